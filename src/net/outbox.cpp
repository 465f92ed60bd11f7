#include "net/outbox.hpp"

#include "net/stream.hpp"

namespace fusegate::net {

void Outbox::deliver() {
  const char* at = bytes_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    messages_[i].stream->send_put_off(at, messages_[i].size);
    at += messages_[i].size;
  }
  count_ = used_ = 0;
}

}  // namespace fusegate::net
