#include "http/head.hpp"

#include "http/chars.hpp"

namespace fusegate::http {

const Field* FieldList::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (iequals(field.name, name)) {
      return &field;
    }
  }
  return nullptr;
}

void FieldList::clear() {
  fields_.clear();
  first_.fill(kNone);
}

BodyKind outgoing_body(const ResponseHead& head, int client_minor) {
  const bool unsized = head.body == BodyKind::Chunked || head.body == BodyKind::UntilClose;
  if (!unsized) {
    return head.body;
  }
  return client_minor == 0 ? BodyKind::UntilClose : BodyKind::Chunked;
}

}  // namespace fusegate::http
