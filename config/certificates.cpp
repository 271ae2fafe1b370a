#include "config/certificates.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "actors/system/openssl_ptr.hpp"
#include "config/private_file.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

using time_point = std::chrono::system_clock::time_point;

/// Issued this long ago, for peers whose clocks lag.
constexpr std::chrono::minutes clock_skew{10};
constexpr std::size_t host_name_length_max = 63;
constexpr std::size_t hosts_max = 64;

caf::error openssl_failed(const char* what) {
  return make_error(errc::internal, std::string{what} + " failed: " + openssl_reason());
}

bool is_host_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

caf::expected<pkey_ptr> make_key() {
  pkey_ptr key{EVP_EC_gen("P-256")};
  if (!key) return openssl_failed("making an EC P-256 key");
  return key;
}

template <class Write>
caf::error write_pem(const std::filesystem::path& file, Write write) {
  bio_ptr out{BIO_new(BIO_s_secmem())};
  if (!out || write(out.get()) != 1) return openssl_failed("writing PEM");
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  if (size <= 0) return openssl_failed("writing PEM");
  return write_private_file(file, {data, static_cast<std::size_t>(size)});
}

caf::error write_key(const std::filesystem::path& file, EVP_PKEY* key) {
  return write_pem(file, [key](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

caf::error write_certificate(const std::filesystem::path& file, X509* certificate) {
  return write_pem(file, [certificate](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  x509_extension_ptr extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// Built value by value: a name in OpenSSL's own syntax could smuggle in another one.
bool add_alternative_name(GENERAL_NAMES* names, const std::string& host) {
  general_name_ptr name{GENERAL_NAME_new()};
  if (!name) return false;
  if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str())) {
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
  } else {
    ERR_clear_error();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    if (text == nullptr) return false;
    GENERAL_NAME_set0_value(name.get(), GEN_DNS, text);
    if (ASN1_STRING_set(text, host.data(), static_cast<int>(host.size())) != 1) return false;
  }
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) return false;
  (void)name.release();
  return true;
}

bool add_alternative_names(X509* certificate, const certificate_request& request) {
  std::vector<std::string> hosts{request.name, "localhost", "127.0.0.1", "::1"};
  for (const auto& host : request.hosts) {
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  general_names_ptr names{GENERAL_NAMES_new()};
  if (!names) return false;
  for (const auto& host : hosts) {
    if (!add_alternative_name(names.get(), host)) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

/// Alternative names that were asked for: what add_alternative_names() puts there by itself comes
/// again by itself.
std::vector<std::string> hosts_of(X509& certificate) {
  std::vector<std::string> hosts;
  general_names_ptr names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    auto* value = static_cast<ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    const auto* bytes = ASN1_STRING_get0_data(value);
    auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    if (type == GEN_DNS) hosts.emplace_back(reinterpret_cast<const char*>(bytes), size);
    if (type != GEN_IPADD || (size != 4 && size != 16)) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text.data(), text.size()) != nullptr)
      hosts.emplace_back(text.data());
  }
  return hosts;
}

bool set_serial(X509* certificate) {
  constexpr int serial_bits = 159;
  bignum_ptr number{BN_new()};
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& name) {
  auto* subject = X509_get_subject_name(certificate);
  auto add = [subject](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", "Tandem") && add("CN", name);
}

bool set_dates(X509* certificate, time_point from, time_point until) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       std::chrono::system_clock::to_time_t(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate),
                       std::chrono::system_clock::to_time_t(until)) != nullptr;
}

x509_ptr start_certificate(const std::string& name, EVP_PKEY* key, time_point from,
                           time_point until) {
  x509_ptr certificate{X509_new()};
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) || !set_subject(certificate.get(), name) ||
      !set_dates(certificate.get(), from, until) || X509_set_pubkey(certificate.get(), key) != 1) {
    return nullptr;
  }
  return certificate;
}

caf::expected<x509_ptr> make_authority(EVP_PKEY* key, const std::string& name, time_point now) {
  auto ca = start_certificate("Tandem CA of " + name.substr(0, 40), key, now - clock_skew,
                              now + authority_lifetime);
  if (!ca || X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) != 1 ||
      !add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(ca.get(), key, EVP_sha256()) == 0) {
    return openssl_failed("making the certificate authority");
  }
  return ca;
}

struct authority {
  x509_ptr certificate;
  pkey_ptr key;
};

caf::expected<x509_ptr> make_certificate(const authority& ca, EVP_PKEY* key,
                                         const certificate_request& request, time_point now) {
  time_point ca_end = describe_certificate(*ca.certificate).not_after;
  if (ca_end <= now) {
    return make_error(
        errc::not_authenticated,
        "the certificate authority expired at " +
            format_utc(std::chrono::time_point_cast<std::chrono::seconds>(ca_end)) +
            "; move the TLS folder away, start the node once to make a new authority, "
            "and issue new certificates to all other nodes");
  }
  auto until = std::min<time_point>(now + request.lifetime, ca_end);
  auto from = std::min<time_point>(now, until - std::chrono::hours{24}) - clock_skew;
  const char* usage =
      request.kind == certificate_kind::node ? "serverAuth,clientAuth" : "clientAuth";
  auto certificate = start_certificate(request.name, key, from, until);
  auto* ca_name = X509_get_subject_name(ca.certificate.get());
  if (!certificate || X509_set_issuer_name(certificate.get(), ca_name) != 1 ||
      !add_extension(certificate.get(), ca.certificate.get(), NID_basic_constraints,
                     "critical,CA:FALSE") ||
      !add_extension(certificate.get(), ca.certificate.get(), NID_key_usage,
                     "critical,digitalSignature") ||
      !add_extension(certificate.get(), ca.certificate.get(), NID_ext_key_usage, usage) ||
      !add_extension(certificate.get(), ca.certificate.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(certificate.get(), ca.certificate.get(), NID_authority_key_identifier,
                     "keyid") ||
      !add_alternative_names(certificate.get(), request) ||
      X509_sign(certificate.get(), ca.key.get(), EVP_sha256()) == 0) {
    return openssl_failed("making a certificate");
  }
  return certificate;
}

caf::error check_request(const certificate_request& request) {
  if (!is_host_name(request.name) || request.name.size() > host_name_length_max) {
    return make_error(errc::invalid_argument,
                      "'" + request.name.substr(0, 80) +
                          "' cannot be a certificate's name; use 1 to 63 letters, digits, '.', "
                          "'_' or '-'");
  }
  if (request.hosts.size() > hosts_max) {
    return make_error(errc::invalid_argument, "a certificate names at most 64 hosts");
  }
  for (const auto& host : request.hosts) {
    auto is_v6 = host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos;
    if (!is_host_name(host) && (host.empty() || !is_v6 || host.size() > 64)) {
      return make_error(errc::invalid_argument,
                        "'" + host.substr(0, 80) + "' is neither a host name nor an IP address");
    }
  }
  if (request.lifetime > authority_lifetime || request.lifetime < -authority_lifetime) {
    return make_error(errc::invalid_argument, "a certificate's lifetime is 1 to 3650 days");
  }
  return caf::none;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

caf::expected<authority> read_authority(const std::filesystem::path& folder) {
  auto certificate = read_certificate(folder / "ca.pem");
  if (!certificate) return std::move(certificate.error());
  auto key = read_private_key(folder / "ca.key");
  if (!key) return std::move(key.error());
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return make_error(errc::not_authenticated,
                      "'" + (folder / "ca.key").string() +
                          "' is the key of another authority than ca.pem beside it; remove ca.key, "
                          "or put back the pair that was made together");
  }
  return authority{std::move(*certificate), std::move(*key)};
}

/// A crash may have left the key without its certificate: it is then used.
caf::expected<pkey_ptr> read_or_make_key(const std::filesystem::path& file) {
  if (is_there(file)) return read_private_key(file);
  auto key = make_key();
  if (!key) return key;
  if (auto err = write_key(file, key->get())) return err;
  return key;
}

caf::expected<authority> make_first_authority(const std::filesystem::path& folder,
                                              const std::string& name, time_point now) {
  if (is_there(folder / "node.pem")) {
    return make_error(errc::not_authenticated,
                      "'" + folder.string() +
                          "' has node.pem but no ca.pem; copy ca.pem from another node of the "
                          "cluster, or remove all *.pem and *.key there to found a new cluster");
  }
  auto key = read_or_make_key(folder / "ca.key");
  if (!key) return std::move(key.error());
  auto certificate = make_authority(key->get(), name, now);
  if (!certificate) return std::move(certificate.error());
  if (auto err = write_certificate(folder / "ca.pem", certificate->get())) return err;
  return authority{std::move(*certificate), std::move(*key)};
}

/// Renewing keeps the key, so that one rename is the whole change.
caf::error ensure_certificate(const authority& ca, const tls_files& files,
                              const certificate_request& request, time_point now) {
  if (is_there(files.certificate)) {
    auto info = describe_certificate(files.certificate);
    if (!info) return info.error();
    auto left = info->not_after - now;
    if (left >= request.lifetime / 3.0 && info->common_name == request.name) return caf::none;
    if (!is_there(files.key)) {
      return make_error(errc::not_authenticated,
                        "'" + files.key.string() + "' is missing; remove " +
                            files.certificate.string() + " too and start again");
    }
  }
  auto key = read_or_make_key(files.key);
  if (!key) return key.error();
  auto certificate = make_certificate(ca, key->get(), request, now);
  if (!certificate) return certificate.error();
  return write_certificate(files.certificate, certificate->get());
}

}  // namespace

tls_files certificate_files(const std::filesystem::path& folder, certificate_kind kind) {
  std::string name = kind == certificate_kind::node ? "node" : "client";
  return {folder / (name + ".pem"), folder / (name + ".key"), folder / "ca.pem"};
}

caf::expected<tls_files> ensure_certificates(const std::filesystem::path& folder,
                                             const std::string& node_name,
                                             const std::vector<std::string>& hosts,
                                             certificate_days lifetime, time_point now) {
  certificate_request node{certificate_kind::node, node_name, hosts, lifetime};
  certificate_request client{certificate_kind::client, node_name, {}, lifetime};
  if (auto err = check_request(node)) return err;
  if (auto err = make_private_folder(folder)) return err;
  auto lock = file_lock::acquire(folder / "lock");
  if (!lock) return std::move(lock.error());

  auto files = certificate_files(folder, certificate_kind::node);
  if (!is_there(files.ca) || is_there(folder / "ca.key")) {
    auto ca =
        is_there(files.ca) ? read_authority(folder) : make_first_authority(folder, node_name, now);
    if (!ca) return std::move(ca.error());
    if (auto err = ensure_certificate(*ca, files, node, now)) return err;
    auto client_files = certificate_files(folder, certificate_kind::client);
    if (auto err = ensure_certificate(*ca, client_files, client, now)) return err;
  }
  if (auto err = check_certificate_files(files, now)) return err;
  return files;
}

caf::expected<tls_files> issue_certificate(const std::filesystem::path& ca_folder,
                                           const certificate_request& request,
                                           const std::filesystem::path& out_folder,
                                           time_point now) {
  if (auto err = check_request(request)) return err;
  auto ca = read_authority(ca_folder);
  if (!ca) return std::move(ca.error());
  if (auto err = make_private_folder(out_folder)) return err;
  auto lock = file_lock::acquire(out_folder / "lock");
  if (!lock) return std::move(lock.error());

  auto files = certificate_files(out_folder, request.kind);
  if (is_there(files.ca)) {
    auto there = describe_certificate(files.ca);
    if (!there) return std::move(there.error());
    if (there->fingerprint != describe_certificate(*ca->certificate).fingerprint) {
      return make_error(errc::conflict, "'" + out_folder.string() +
                                            "' holds files of another authority; name an empty "
                                            "folder");
    }
  }
  auto key = make_key();
  if (!key) return std::move(key.error());
  auto certificate = make_certificate(*ca, key->get(), request, now);
  if (!certificate) return std::move(certificate.error());
  if (!is_there(files.ca)) {
    if (auto err = write_certificate(files.ca, ca->certificate.get())) return err;
  }
  if (auto err = write_key(files.key, key->get())) return err;
  if (auto err = write_certificate(files.certificate, certificate->get())) return err;
  return files;
}

caf::error found_authority(const std::filesystem::path& folder, const std::string& cluster,
                           time_point now) {
  if (auto err = check_request({.name = cluster})) return err;
  if (auto err = make_private_folder(folder)) return err;
  auto lock = file_lock::acquire(folder / "lock");
  if (!lock) return std::move(lock.error());
  if (is_there(folder / "ca.pem"))
    return make_error(errc::conflict, "'" + folder.string() +
                                          "' has an authority already; who trusts it would trust "
                                          "no other. Name an empty folder");
  auto ca = make_first_authority(folder, cluster, now);
  return ca ? caf::none : std::move(ca.error());
}

caf::expected<tls_files> renew_certificate(const std::filesystem::path& ca_folder,
                                           const std::filesystem::path& folder,
                                           certificate_kind kind, certificate_days lifetime,
                                           time_point now) {
  auto ca = read_authority(ca_folder);
  if (!ca) return std::move(ca.error());
  auto lock = file_lock::acquire(folder / "lock");
  if (!lock) return std::move(lock.error());
  auto files = certificate_files(folder, kind);
  auto old = read_certificate(files.certificate);
  if (!old) return std::move(old.error());
  if (X509_verify(old->get(), ca->key.get()) != 1) {
    ERR_clear_error();
    return make_error(errc::not_authenticated,
                      "'" + files.certificate.string() + "' is of another authority than '" +
                          (ca_folder / "ca.pem").string() + "'; renew it where it was issued");
  }
  certificate_request request{.kind = kind,
                              .name = describe_certificate(**old).common_name,
                              .hosts = hosts_of(**old),
                              .lifetime = lifetime};
  if (auto err = check_request(request)) return err;
  pkey_ptr key{X509_get_pubkey(old->get())};
  if (!key) return openssl_failed("reading the certificate's key");
  auto certificate = make_certificate(*ca, key.get(), request, now);
  if (!certificate) return std::move(certificate.error());
  if (auto err = write_certificate(files.certificate, certificate->get())) return err;
  return files;
}

bool ends_soon(const certificate_info& certificate, time_point now) {
  auto life = certificate.not_after - certificate.not_before;
  auto left = certificate.not_after - now;
  return left < life / 3 || left < std::chrono::hours{7 * 24};
}

}  // namespace tandem
