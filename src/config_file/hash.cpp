#include "config_file/hash.hpp"

// The plain functions are marked as deprecated, and need nothing else: the newer interface begins
// with OpenSSL's providers, which keep 2 MiB resident in every process, with TLS or without.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <array>

namespace fusegate::config_file {

std::string sha256_hex(std::string_view text) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, text.data(), text.size());
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256_Final(digest.data(), &context);
  std::string result;
  for (const unsigned char byte : digest) {
    result += "0123456789abcdef"[byte >> 4U];
    result += "0123456789abcdef"[byte & 0xFU];
  }
  return result;
}

}  // namespace fusegate::config_file
