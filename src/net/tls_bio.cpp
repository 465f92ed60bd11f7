#include "net/tls_bio.hpp"

#include <openssl/bio.h>

#include <sys/socket.h>

#include <cerrno>
#include <memory>

namespace fusegate::net {
namespace {

bool again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

TlsSocket& socket_of(BIO* bio) { return *static_cast<TlsSocket*>(BIO_get_data(bio)); }

int read_some(BIO* bio, char* data, std::size_t size, std::size_t* got) {
  TlsSocket& socket = socket_of(bio);
  BIO_clear_retry_flags(bio);
  *got = 0;
  const ssize_t result = ::recv(socket.fd, data, size, 0);
  if (result > 0) {
    *got = static_cast<std::size_t>(result);
    socket.heard = true;
    socket.emptied = *got < size;
    return 1;
  }
  if (result == 0) {
    socket.ended = true;
  } else if (again(errno)) {
    socket.emptied = true;
    BIO_set_retry_read(bio);
  } else {
    socket.error = errno;
  }
  return 0;
}

int write_some(BIO* bio, const char* data, std::size_t size, std::size_t* put) {
  TlsSocket& socket = socket_of(bio);
  BIO_clear_retry_flags(bio);
  *put = 0;
  const ssize_t result = ::send(socket.fd, data, size, MSG_NOSIGNAL);
  if (result >= 0) {
    *put = static_cast<std::size_t>(result);
    return 1;
  }
  if (again(errno)) {
    BIO_set_retry_write(bio);
  } else {
    socket.error = errno;
  }
  return 0;
}

/// Not even the end of the stream is told here: for OpenSSL it would be a fatal error, and what it
/// is depends on what has been sent before it.
long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* method() {
  struct Free {
    void operator()(BIO_METHOD* made) const { BIO_meth_free(made); }
  };
  static const std::unique_ptr<BIO_METHOD, Free> made = [] {
    const int type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
    std::unique_ptr<BIO_METHOD, Free> fresh{BIO_meth_new(type, "fusegate socket")};
    if (fresh) {
      BIO_meth_set_read_ex(fresh.get(), read_some);
      BIO_meth_set_write_ex(fresh.get(), write_some);
      BIO_meth_set_ctrl(fresh.get(), control);
    }
    return fresh;
  }();
  return made.get();
}

}  // namespace

bio_st* make_tls_bio(TlsSocket& socket) {
  BIO* const bio = BIO_new(method());
  if (bio != nullptr) {
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
  }
  return bio;
}

}  // namespace fusegate::net
