#include "nodes/cli/endpoint.hpp"

#include <array>
#include <fstream>
#include <utility>

#include "config/certificates.hpp"
#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

/// The first line of a running node's `node.address`; empty without one.
std::string read_address_file(const std::filesystem::path& file) {
  std::array<char, 512> text{};
  std::ifstream in{file, std::ios::binary};
  in.read(text.data(), text.size());
  std::string_view all{text.data(), static_cast<std::size_t>(in.gcount())};
  return std::string{all.substr(0, all.find_first_of("\r\n"))};
}

caf::expected<endpoint> parse_endpoint(const std::string& text, std::string source) {
  auto address = parse_address(text);
  if (!address) {
    return make_error(errc::invalid_argument, source + " is " + quote_word(text) +
                                                  ", but must be an address such as "
                                                  "127.0.0.1:7420 or [::1]:7420");
  }
  if (address->port == 0) {
    return make_error(errc::invalid_argument, source + " has no port: " + quote_word(text));
  }
  return endpoint{.address = *address, .source = std::move(source)};
}

std::string advice_for(const caf::error& err, const endpoint& to) {
  auto address = to_string(to.address);
  if (code_of(err) == errc::not_authenticated) {
    return "the certificates are looked for in " + to.tls_folder.string() +
           "; name another folder with --tls, look at this one with `tandem certs show`, or let "
           "the "
           "cluster's operator issue them: `tandem certs issue`";
  }
  return "the address " + address + " is from " + to.source;
}

}  // namespace

std::filesystem::path find_data_folder(const invocation& from, const environment& env) {
  if (auto given = from.global("data")) return expand_home(*given);
  auto set = env("TANDEM_DATA");
  return set.empty() ? default_data_folder() : expand_home(set);
}

caf::expected<std::filesystem::path> find_tls_folder(const invocation& from,
                                                     const environment& env) {
  if (auto given = from.global("tls")) return expand_home(*given);
  // A folder on the command line is nearer than one from the environment.
  auto set = from.global("data") ? "" : env("TANDEM_TLS");
  if (!set.empty()) return expand_home(set);
  auto data = find_data_folder(from, env);
  if (data.empty()) {
    return make_error(errc::invalid_argument,
                      "there is no home folder to look for certificates in; name one with --tls");
  }
  return data / "tls";
}

caf::expected<endpoint> find_endpoint(const invocation& from, const environment& env) {
  auto tls_folder = find_tls_folder(from, env);
  if (!tls_folder) return std::move(tls_folder.error());
  auto found = [&]() -> caf::expected<endpoint> {
    if (auto given = from.global("node")) return parse_endpoint(*given, "--node");
    auto set = from.global("data") ? "" : env("TANDEM_NODE");
    if (!set.empty()) return parse_endpoint(set, "$TANDEM_NODE");
    auto data = find_data_folder(from, env);
    if (!data.empty()) {
      auto file = data / "node.address";
      auto text = read_address_file(file);
      if (!text.empty()) return parse_endpoint(text, file.string());
    }
    return endpoint{.address = {}, .source = "the default"};
  }();
  if (found) found->tls_folder = std::move(*tls_folder);
  return found;
}

tls_files connection_files(const std::filesystem::path& folder) {
  auto files = certificate_files(folder, certificate_kind::client);
  std::error_code ignored;
  if (std::filesystem::exists(files.certificate, ignored)) return files;
  auto of_node = certificate_files(folder, certificate_kind::node);
  return std::filesystem::exists(of_node.certificate, ignored) ? of_node : files;
}

connection connect(const invocation& from, console& io) {
  connection result;
  auto to = find_endpoint(from, process_environment());
  if (!to) {
    result.code = usage_error(io, from, to.error());
    return result;
  }
  auto limit = call_timeout(from);
  if (!limit) {
    result.code = usage_error(io, from, limit.error());
    return result;
  }
  client_options options{
      .host = to->address.host, .port = to->address.port, .tls = connection_files(to->tls_folder)};
  if (*limit) {
    options.call_timeout = **limit;
    options.connect_timeout = std::min(options.connect_timeout, **limit);
  }
  auto node = client::connect(options);
  if (!node) {
    // Whatever else went wrong before the first call, there is no connection.
    auto code = code_of(node.error()) == errc::deadline_exceeded ? exit_code::timeout
                                                                 : exit_code::no_connection;
    result.code = io.fail(code, message_of(node.error()), advice_for(node.error(), *to));
    return result;
  }
  result.node.emplace(std::move(*node));
  return result;
}

}  // namespace tandem::cli
