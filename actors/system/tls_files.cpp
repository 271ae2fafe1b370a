#include "actors/system/tls_files.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "actors/system/openssl_ptr.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t pem_bytes_max = 1u << 20;

constexpr auto how_to_issue = "; `tandem certs issue` on a node that has ca.key makes a new one";

std::string quoted(const std::filesystem::path& file) {
  return "'" + file.string() + "'";
}

caf::expected<std::string> read_pem(const std::filesystem::path& file) {
  if (file.empty()) {
    return make_error(errc::not_found, "no file is named");
  }
  std::error_code failure;
  if (std::filesystem::is_directory(file, failure)) {
    return make_error(errc::not_authenticated, quoted(file) + " is a folder, not a PEM file");
  }
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in) {
    int reason = errno;
    return make_error(reason == ENOENT ? errc::not_found : errc::not_authenticated,
                      quoted(file) + " cannot be read: " + std::strerror(reason));
  }
  std::string text(pem_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > pem_bytes_max) {
    return make_error(errc::not_authenticated, quoted(file) + " is larger than 1 MiB: no PEM file");
  }
  return text;
}

bio_ptr memory_bio(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// Without this OpenSSL would ask the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::chrono::sys_seconds to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return std::chrono::sys_seconds{};
  }
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
}

std::string to_text(X509_NAME* name) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return {};
  }
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string{};
}

std::string common_name_of(X509_NAME* name) {
  std::array<char, 256> text{};
  auto size = X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string{};
}

void check_dates(const std::filesystem::path& file, const certificate_info& info,
                 std::chrono::system_clock::time_point now, std::vector<std::string>& problems) {
  if (info.not_after < now) {
    problems.push_back(quoted(file) + " (" + info.subject + ") expired at " +
                       format_utc(info.not_after) + how_to_issue);
  }
  if (info.not_before > now) {
    problems.push_back(quoted(file) + " (" + info.subject + ") is not valid before " +
                       format_utc(info.not_before) +
                       "; compare this machine's clock with the one that issued it");
  }
}

/// Empty, or why `ca` does not vouch for `certificate`. Dates were checked before, with better
/// words.
std::string check_signature(X509* ca, X509* certificate) {
  x509_store_ptr store{X509_STORE_new()};
  x509_store_ctx_ptr context{X509_STORE_CTX_new()};
  if (!store || !context || X509_STORE_add_cert(store.get(), ca) != 1 ||
      X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) {
    return openssl_reason();
  }
  if (X509_verify_cert(context.get()) == 1) {
    return {};
  }
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

void check_permissions(const std::filesystem::path& key, std::vector<std::string>& problems) {
  struct stat status {};
  if (::stat(key.c_str(), &status) != 0) {
    return;
  }
  constexpr auto others = S_IRWXG | S_IRWXO;
  if ((status.st_mode & others) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%03o", static_cast<unsigned>(status.st_mode & 0777u));
    problems.push_back("the key " + quoted(key) + " is open to others (mode " + mode.data() +
                       "); run `chmod 600 " + key.string() + "`, and issue a new one if it may " +
                       "have been copied");
  }
}

}  // namespace

std::string openssl_reason() {
  std::array<char, 256> text{};
  auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) {
    return "no reason given by OpenSSL";
  }
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

std::string format_utc(std::chrono::sys_seconds time) {
  auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

caf::expected<x509_ptr> read_certificate(const std::filesystem::path& file) {
  auto text = read_pem(file);
  if (!text) return std::move(text.error());
  auto bio = memory_bio(*text);
  x509_ptr result{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)};
  if (!result) {
    return make_error(errc::not_authenticated,
                      quoted(file) + " holds no certificate in PEM form: " + openssl_reason());
  }
  return result;
}

caf::expected<pkey_ptr> read_private_key(const std::filesystem::path& file) {
  auto text = read_pem(file);
  if (!text) return std::move(text.error());
  auto bio = memory_bio(*text);
  pkey_ptr result{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)};
  OPENSSL_cleanse(text->data(), text->size());
  if (!result) {
    return make_error(errc::not_authenticated, quoted(file) +
                                                   " holds no private key in PEM form without a "
                                                   "passphrase: " +
                                                   openssl_reason());
  }
  return result;
}

certificate_info describe_certificate(X509& certificate) {
  certificate_info info;
  info.subject = to_text(X509_get_subject_name(&certificate));
  info.issuer = to_text(X509_get_issuer_name(&certificate));
  info.common_name = common_name_of(X509_get_subject_name(&certificate));
  info.not_before = to_time(X509_get0_notBefore(&certificate));
  info.not_after = to_time(X509_get0_notAfter(&certificate));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) == 1) {
    constexpr auto digits = "0123456789ABCDEF";
    for (unsigned i = 0; i < size; ++i) {
      if (i > 0) info.fingerprint += ':';
      info.fingerprint += digits[digest[i] >> 4];
      info.fingerprint += digits[digest[i] & 15];
    }
  }
  return info;
}

caf::expected<certificate_info> describe_certificate(const std::filesystem::path& file) {
  auto certificate = read_certificate(file);
  if (!certificate) return std::move(certificate.error());
  return describe_certificate(**certificate);
}

caf::error check_certificate_files(const tls_files& files,
                                   std::chrono::system_clock::time_point now) {
  std::vector<std::string> problems;
  auto note = [&problems](const char* what, const caf::error& err) {
    problems.push_back(std::string{what} + ": " + message_of(err));
  };
  auto ca = read_certificate(files.ca);
  if (!ca) note("certificate authority", ca.error());
  auto certificate = read_certificate(files.certificate);
  if (!certificate) note("certificate", certificate.error());
  auto key = read_private_key(files.key);
  if (!key) note("key", key.error());
  check_permissions(files.key, problems);

  if (ca) check_dates(files.ca, describe_certificate(**ca), now, problems);
  if (certificate) {
    check_dates(files.certificate, describe_certificate(**certificate), now, problems);
  }
  if (ca && certificate) {
    auto reason = check_signature(ca->get(), certificate->get());
    if (!reason.empty()) {
      problems.push_back(quoted(files.certificate) + " is not signed by " + quoted(files.ca) +
                         " (" + reason + ")" + how_to_issue);
    }
  }
  if (certificate && key && X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    problems.push_back("the key " + quoted(files.key) + " does not belong to the certificate " +
                       quoted(files.certificate) + "; put back the pair that was issued together");
  }
  if (problems.empty()) return caf::none;
  std::string text = "TLS files cannot be used";
  for (const auto& problem : problems) text += "\n  " + problem;
  return make_error(errc::not_authenticated, std::move(text));
}

}  // namespace tandem
