#pragma once

struct bio_st;  // BIO of OpenSSL.

namespace fusegate::net {

/// What a TLS connection knows about the socket below it, beside the bytes.
struct TlsSocket {
  int fd = -1;
  int error = 0;         ///< errno of the read or write that failed for good, or 0.
  bool emptied = false;  ///< The last read has left nothing.
  bool ended = false;    ///< The peer has sent its FIN.
  bool heard = false;    ///< The peer has sent something.
};

/// The socket as OpenSSL sees it. OpenSSL's own would raise SIGPIPE, and would hide that the socket
/// has been emptied, which costs a system call for each read. `socket` must outlive it.
bio_st* make_tls_bio(TlsSocket& socket);

}  // namespace fusegate::net
