#pragma once

#include <cstddef>
#include <cstdint>

namespace fusegate::net {

/// What a non-blocking read or write did.
struct IoResult {
  enum class Kind : std::uint8_t { Done, WouldBlock, End, Failed } kind;
  std::size_t bytes = 0;  ///< With Done.
  int error = 0;          ///< errno, or kTlsError, with Failed; kCutShort with an End that is cut.

  /// It is not the socket that failed.
  static constexpr int kTlsError = -1;
  /// The peer has closed without saying that nothing more follows, as TLS demands.
  static constexpr int kCutShort = -2;

  static constexpr IoResult tls_failure() { return {Kind::Failed, 0, kTlsError}; }

  bool done() const { return kind == Kind::Done; }
  bool would_block() const { return kind == Kind::WouldBlock; }
  bool cut_short() const { return kind == Kind::End && error == kCutShort; }
  bool is_tls_error() const { return kind == Kind::Failed && error == kTlsError; }
};

}  // namespace fusegate::net
