#include "config_file/hash.hpp"

#include <openssl/evp.h>

namespace fusegate::config_file {

std::string sha256_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr) != 1) {
    return {};
  }
  std::string result;
  for (unsigned i = 0; i < length; ++i) {
    result += "0123456789abcdef"[digest[i] >> 4U];
    result += "0123456789abcdef"[digest[i] & 0xFU];
  }
  return result;
}

}  // namespace fusegate::config_file
