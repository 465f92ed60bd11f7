#include "net/tls_words.hpp"

#include <fusegate/base/fill.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace fusegate::net {
namespace {

/// OpenSSL numbers the alerts of the other side from here on.
constexpr int kAlerts = SSL_AD_REASON_OFFSET;

std::string text_of(const char* words, std::string_view otherwise) {
  return words == nullptr ? std::string(otherwise) : words;
}

unsigned long take_oldest() {
  const unsigned long oldest = ERR_get_error();
  ERR_clear_error();
  return oldest;
}

std::string words_of(int reason, unsigned long error) {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
      return "it speaks plain HTTP instead of TLS";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_TOO_SMALL:
      return "it speaks no TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return "it knows no TLS version from 1.2 on";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_WRONG_CIPHER_RETURNED:
      return "there is no cipher that both sides accept";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "it shows no certificate";
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return "it offers no protocol that is spoken here (ALPN)";
    default:
      return text_of(ERR_reason_error_string(error), "unknown error");
  }
}

}  // namespace

std::string why_not_verified(long code, std::string_view name) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet";
    case X509_V_ERR_CERT_REVOKED:
      return "its certificate has been revoked";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "the revocation list of its authority is out of date";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "there is no revocation list of its authority";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fill("its certificate is not for {}", name);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate is from an unknown authority";
    case X509_V_ERR_INVALID_PURPOSE:
      return "its certificate is made for another purpose";
    default:
      return fill("its certificate: {}", X509_verify_cert_error_string(code));
  }
}

std::string why_tls_failed() {
  const unsigned long error = take_oldest();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > kAlerts && reason < kAlerts + 256) {
    return fill("it refuses the connection: {}", SSL_alert_desc_string_long(reason - kAlerts));
  }
  return words_of(reason, error);
}

std::string openssl_reason() {
  return text_of(ERR_reason_error_string(take_oldest()), "unknown error");
}

}  // namespace fusegate::net
