#pragma once

#include <string>
#include <string_view>

namespace fusegate::net {

/// Why a certificate was not accepted, e.g. "its certificate has expired". `code` is one of
/// OpenSSL's X509_V_ERR_*, `name` what the peer was asked to prove to be.
std::string why_not_verified(long code, std::string_view name);

/// The oldest error that OpenSSL has noted on this thread, in plain words, e.g. "it speaks no TLS";
/// the rest of the notes is thrown away. Never holds bytes that the peer chose.
std::string why_tls_failed();

/// OpenSSL's own words for the oldest error it has noted on this thread; for files.
std::string openssl_reason();

}  // namespace fusegate::net
