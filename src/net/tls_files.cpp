#include "net/tls_files.hpp"

#include <fusegate/base/fill.hpp>

#include "net/tls_words.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

namespace fusegate::net {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509_INFO) * all) const { sk_X509_INFO_pop_free(all, X509_INFO_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A bundle of every authority of the world has 300 KiB. Chosen: no accident is read into memory.
constexpr off_t kFileMax = 16 << 20;

class Problems {
 public:
  Problems(std::vector<TlsProblem>& all, std::string_view key, const std::string& file)
      : all_(all), key_(key), file_(file) {}

  void error(std::string_view what) const {
    all_.push_back({key_, fill("{}: {}", file_, what), false});
  }
  void warning(std::string_view what) const {
    all_.push_back({key_, fill("{}: {}", file_, what), true});
  }
  const std::string& file() const { return file_; }

 private:
  std::vector<TlsProblem>& all_;
  std::string_view key_;
  const std::string& file_;
};

/// The text of a file; none after a problem.
std::optional<std::string> text_of(const Problems& problems) {
  struct stat status{};
  if (::stat(problems.file().c_str(), &status) != 0) {
    problems.error(fill("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode) || status.st_size > kFileMax) {
    problems.error(S_ISREG(status.st_mode) ? "is too long for a file of certificates"
                                           : "is not a regular file");
    return std::nullopt;
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{
      std::fopen(problems.file().c_str(), "re"), std::fclose};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (in == nullptr || std::fread(text.data(), 1, text.size(), in.get()) != text.size()) {
    problems.error(fill("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  ERR_clear_error();
  return text;
}

/// `text` must outlive it.
Owned<BIO> reader_of(const std::string& text) {
  return Owned<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// There is nobody who could type it.
int no_pass_phrase(char*, int, int, void*) { return 0; }

/// The end of a list of PEM blocks is told as an error, too.
bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32] = {};
  if (ASN1_TIME_to_tm(time, &parts) == 1) {
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  }
  return text;
}

void judge_time(const Problems& problems, const X509* certificate) {
  const ASN1_TIME* const last = X509_get0_notAfter(certificate);
  const ASN1_TIME* const first = X509_get0_notBefore(certificate);
  if (X509_cmp_current_time(last) < 0) {
    problems.warning(fill("the certificate has expired on {}", date_of(last)));
  } else if (X509_cmp_current_time(first) > 0) {
    problems.warning(fill("the certificate is not valid before {}", date_of(first)));
  }
}

/// The first certificate is the own one, the others lead to an authority.
bool read_chain(SSL_CTX* context, const Problems& problems) {
  const auto text = text_of(problems);
  if (!text) {
    return false;
  }
  const Owned<BIO> in = reader_of(*text);
  const Owned<X509> own{PEM_read_bio_X509_AUX(in.get(), nullptr, no_pass_phrase, nullptr)};
  if (!own) {
    problems.error(at_end() ? "holds no certificate (-----BEGIN CERTIFICATE-----)"
                            : fill("holds a broken certificate: {}", openssl_reason()));
    return false;
  }
  judge_time(problems, own.get());
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    problems.error(fill("cannot be used: {}", openssl_reason()));
    return false;
  }
  for (;;) {
    Owned<X509> next{PEM_read_bio_X509(in.get(), nullptr, no_pass_phrase, nullptr)};
    if (!next) {
      break;
    }
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      problems.error(fill("its chain cannot be used: {}", openssl_reason()));
      return false;
    }
    static_cast<void>(next.release());  // The context has it now.
  }
  if (!at_end()) {
    problems.error(fill("its chain is broken: {}", openssl_reason()));
    return false;
  }
  return true;
}

void read_key(SSL_CTX* context, const Problems& problems, const std::string& certificate) {
  const auto text = text_of(problems);
  if (!text) {
    return;
  }
  const Owned<BIO> in = reader_of(*text);
  const Owned<EVP_PKEY> key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_pass_phrase, nullptr)};
  if (!key) {
    // OpenSSL says neither: it tries every kind of key, and tells how the last one failed.
    const bool none = !text->contains("PRIVATE KEY-----");
    const bool locked = text->contains("ENCRYPTED");
    problems.error(none     ? "holds no private key (-----BEGIN PRIVATE KEY-----)"
                   : locked ? "is locked with a pass phrase, which nobody can type here"
                            : fill("holds a broken private key: {}", openssl_reason()));
    return;
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    problems.error(fill("is not the key of the certificate in {}", certificate));
  }
}

void add_list(SSL_CTX* context, X509_CRL* list, const Problems& problems) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_STORE_add_crl(store, list);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list);
  if (next != nullptr && X509_cmp_current_time(next) < 0) {
    problems.warning(fill(
        "a revocation list in it is out of date since {}, so nobody of its authority is accepted",
        date_of(next)));
  }
}

}  // namespace

void use_certificate(ssl_ctx_st* context, const std::string& certificate, const std::string& key,
                     std::vector<TlsProblem>& problems) {
  const bool usable = read_chain(context, Problems{problems, "certificate", certificate});
  if (usable) {
    read_key(context, Problems{problems, "key", key}, certificate);
  }
}

void use_authorities(ssl_ctx_st* context, std::string_view key, const std::string& file, bool ask,
                     std::vector<TlsProblem>& problems) {
  const Problems told{problems, key, file};
  const auto text = text_of(told);
  if (!text) {
    return;
  }
  const Owned<BIO> in = reader_of(*text);
  const Owned<STACK_OF(X509_INFO)> all{
      PEM_X509_INFO_read_bio(in.get(), nullptr, no_pass_phrase, nullptr)};
  if (!all) {
    told.error(fill("is broken: {}", openssl_reason()));
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  std::size_t found = 0;
  for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i) {
    const X509_INFO* const each = sk_X509_INFO_value(all.get(), i);
    if (each->x509 != nullptr) {
      ++found;
      X509_STORE_add_cert(store, each->x509);
      if (ask) {
        SSL_CTX_add_client_CA(context, each->x509);
      }
    }
    if (each->crl != nullptr) {
      add_list(context, each->crl, told);
    }
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (found == 0) {
    told.error("holds no certificate of an authority (-----BEGIN CERTIFICATE-----)");
  }
}

}  // namespace fusegate::net
