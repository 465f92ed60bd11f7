#include <fusegate/base/version.hpp>

#include <boost/version.hpp>

// Set by the build for this file alone, so that a new revision compiles one file again.
#ifndef FUSEGATE_VERSION
#define FUSEGATE_VERSION "0.0.0"
#endif
#ifndef FUSEGATE_REVISION
#define FUSEGATE_REVISION "unknown"
#endif

#define FUSEGATE_TEXT_OF(number) #number
#define FUSEGATE_TEXT(number) FUSEGATE_TEXT_OF(number)

namespace fusegate {
namespace {

// BOOST_LIB_VERSION is "1_81" or "1_81_1".
constexpr auto kBoost = [] {
  struct Text {
    char bytes[sizeof BOOST_LIB_VERSION];
  } text{BOOST_LIB_VERSION};
  for (char& byte : text.bytes) {
    byte = byte == '_' ? '.' : byte;
  }
  return text;
}();

}  // namespace

std::string_view version() { return FUSEGATE_VERSION; }
std::string_view revision() { return FUSEGATE_REVISION; }
std::string_view boost() { return {kBoost.bytes, sizeof kBoost.bytes - 1}; }

std::string_view compiler() {
#if defined(__clang__)
  return "clang " FUSEGATE_TEXT(__clang_major__) "." FUSEGATE_TEXT(__clang_minor__);
#else
  return "gcc " FUSEGATE_TEXT(__GNUC__) "." FUSEGATE_TEXT(__GNUC_MINOR__);
#endif
}

}  // namespace fusegate
