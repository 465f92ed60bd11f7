#include <fusegate/base/version.hpp>

// The build passes these; the defaults serve builds without CMake.
#ifndef FUSEGATE_VERSION
#define FUSEGATE_VERSION "0.1.0"
#endif
#ifndef FUSEGATE_REVISION
#define FUSEGATE_REVISION "unknown"
#endif
#ifndef FUSEGATE_BOOST
#define FUSEGATE_BOOST "1.81"
#endif

namespace fusegate {

std::string_view version() { return FUSEGATE_VERSION; }

std::string_view revision() { return FUSEGATE_REVISION; }

std::string_view compiler() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__
#ifdef FUSEGATE_TRAINED
         " -fprofile-use"
#endif
      ;
#endif
}

std::string_view boost() { return FUSEGATE_BOOST; }

}  // namespace fusegate
