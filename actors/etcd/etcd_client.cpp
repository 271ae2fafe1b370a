#include "actors/etcd/etcd_client.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

#include "actors/etcd/etcd_core.hpp"
#include "actors/etcd/etcd_json.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t endpoints_max = 32;
constexpr std::size_t value_bytes_max = std::size_t{512} * 1024;

caf::error wrong(std::string text) {
  return make_error(errc::invalid_argument, std::move(text));
}

/// Without a slash at its end.
caf::expected<std::string> read_endpoint(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  auto scheme = url.find("://");
  auto rest = scheme == url.npos ? std::string_view{} : std::string_view{url}.substr(scheme + 3);
  auto is_http = url.starts_with("http://") || url.starts_with("https://");
  if (!is_http || rest.empty() || rest.find_first_of("/@?# ") != rest.npos)
    return wrong("etcd.endpoints: \"" + url +
                 "\" is no endpoint; write http://host:2379 or https://host:2379");
  return url;
}

caf::expected<std::string> read_password(const std::filesystem::path& file) {
  constexpr std::size_t bytes_max = 1024;
  std::ifstream in{file};
  std::string line;
  if (!std::getline(in, line) || line.empty() || line.size() > bytes_max)
    return wrong("etcd.password_file: " + file.string() +
                 " cannot be read or does not begin with a password of 1 to " +
                 std::to_string(bytes_max) + " bytes");
  return line;
}

caf::error check_file(const char* key, const std::filesystem::path& file) {
  if (file.empty() || std::ifstream{file}) return caf::none;
  return wrong(std::string{key} + ": " + file.string() + " cannot be read");
}

etcd_callback on_gone_lease(etcd_callback done) {
  return [done = std::move(done)](etcd_result result) {
    // Of a lease that is gone only its id comes back.
    if (result.ok() && result.reply.ttl.count() == 0) {
      result.failure = etcd_failure::not_found;
      result.text = "etcd: the lease " + std::to_string(result.reply.lease) + " is gone";
    }
    done(std::move(result));
  };
}

}  // namespace

const char* to_string(etcd_failure failure) noexcept {
  switch (failure) {
    case etcd_failure::none:
      return "none";
    case etcd_failure::unavailable:
      return "unavailable";
    case etcd_failure::unknown_fate:
      return "unknown fate";
    case etcd_failure::refused:
      return "refused";
    case etcd_failure::not_authenticated:
      return "not authenticated";
    case etcd_failure::not_found:
      return "not found";
    case etcd_failure::compacted:
      return "compacted";
    case etcd_failure::other_history:
      return "other history";
    case etcd_failure::malformed:
      return "malformed";
  }
  return "unknown";
}

caf::error etcd_result::error() const {
  switch (failure) {
    case etcd_failure::none:
      return caf::none;
    case etcd_failure::unavailable:
    case etcd_failure::unknown_fate:
      return make_error(errc::unavailable, text);
    case etcd_failure::refused:
      return make_error(errc::invalid_argument, text);
    case etcd_failure::not_authenticated:
      return make_error(errc::not_authenticated, text);
    case etcd_failure::not_found:
    case etcd_failure::compacted:
      return make_error(errc::not_found, text);
    case etcd_failure::other_history:
      return make_error(errc::corrupted, text);
    case etcd_failure::malformed:
      return make_error(errc::malformed_message, text);
  }
  return make_error(errc::internal, text);
}

caf::expected<std::shared_ptr<etcd_client>> etcd_client::open(
    const etcd_config& config, const std::shared_ptr<http_loop>& loop, etcd_known known) {
  auto checked = config;
  if (checked.endpoints.empty() || checked.endpoints.size() > endpoints_max)
    return wrong("etcd.endpoints must name 1 to " + std::to_string(endpoints_max) + " endpoints");
  for (auto& url : checked.endpoints) {
    auto read = read_endpoint(url);
    if (!read) return read.error();
    url = std::move(*read);
  }
  for (auto [key, file] : {std::pair{"etcd.ca_file", &checked.ca_file},
                           std::pair{"etcd.cert_file", &checked.cert_file},
                           std::pair{"etcd.key_file", &checked.key_file}})
    if (auto problem = check_file(key, *file)) return problem;
  if (checked.cert_file.empty() != checked.key_file.empty())
    return wrong("etcd.cert_file and etcd.key_file belong together; name both or none");
  std::string password;
  if (!checked.user.empty()) {
    auto read = read_password(checked.password_file);
    if (!read) return read.error();
    password = std::move(*read);
  }
  return std::make_shared<etcd_client>(
      std::make_shared<etcd_core>(std::move(checked), std::move(password), loop,
                                  etcd_history{known.cluster_id, known.revision}));
}

etcd_client::~etcd_client() {
  core_->post([core = core_] { core->close(); });
}

void etcd_client::range(const etcd_range_query& query, etcd_callback done) {
  core_->submit({.path = "/v3/kv/range",
                 .body = range_json(query),
                 .can_repeat = true,
                 .is_current = !query.serializable,
                 .done = std::move(done)});
}

void etcd_client::put(const std::string& key, const std::string& value, std::int64_t lease,
                      etcd_callback done) {
  if (value.size() > value_bytes_max)
    return core_->post([done = std::move(done)] {
      done({etcd_failure::refused, "etcd: the value is too large", {}});
    });
  core_->submit({.path = "/v3/kv/put",
                 .body = put_json(key, value, lease),
                 .is_current = true,
                 .done = std::move(done)});
}

void etcd_client::erase(const std::string& key, etcd_callback done) {
  core_->submit({.path = "/v3/kv/deleterange",
                 .body = erase_json(key),
                 .is_current = true,
                 .done = std::move(done)});
}

void etcd_client::txn(const etcd_txn& txn, etcd_callback done) {
  auto is_read = [](const std::vector<etcd_operation>& list) {
    for (const auto& operation : list)
      if (operation.what != etcd_operation::kind::range) return false;
    return true;
  };
  core_->submit({.path = "/v3/kv/txn",
                 .body = txn_json(txn),
                 .can_repeat = is_read(txn.success) && is_read(txn.failure),
                 .is_current = true,
                 .done = std::move(done)});
}

void etcd_client::grant(std::chrono::seconds ttl, etcd_callback done) {
  // A second one that nobody keeps alive ends on its own.
  core_->submit({.path = "/v3/lease/grant",
                 .body = grant_json(ttl),
                 .can_repeat = true,
                 .is_current = true,
                 .done = std::move(done)});
}

void etcd_client::keep_alive(std::int64_t lease, std::chrono::milliseconds timeout,
                             etcd_callback done) {
  core_->submit({.path = "/v3/lease/keepalive",
                 .body = lease_json(lease),
                 .can_repeat = true,
                 .timeout = timeout,
                 .done = on_gone_lease(std::move(done))});
}

void etcd_client::revoke(std::int64_t lease, etcd_callback done) {
  core_->submit({.path = "/v3/lease/revoke",
                 .body = lease_json(lease),
                 .can_repeat = true,
                 .done = std::move(done)});
}

void etcd_client::status(etcd_callback done) {
  core_->submit({.path = "/v3/maintenance/status",
                 .body = "{}",
                 .can_repeat = true,
                 .done = std::move(done)});
}

void etcd_client::acknowledge() {
  core_->post([core = core_] { core->history().acknowledge(); });
}

}  // namespace tandem
