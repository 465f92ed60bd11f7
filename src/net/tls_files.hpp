#pragma once

#include "net/tls_context.hpp"

#include <string>
#include <vector>

/// Files into a TLS context; every problem says which file and what about it.
namespace fusegate::net {

/// The certificate chain and its key. An expired certificate is used, with a warning.
void use_certificate(ssl_ctx_st* context, const std::string& certificate, const std::string& key,
                     std::vector<TlsProblem>& problems);

/// Believe the authorities in `file`, even if they are no roots. As soon as the file holds a
/// revocation list, the certificates of peers are looked up in the list of their authority.
/// `ask` = tell clients which authorities are meant.
void use_authorities(ssl_ctx_st* context, std::string_view key, const std::string& file, bool ask,
                     std::vector<TlsProblem>& problems);

}  // namespace fusegate::net
