#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

struct web_call;

/// Who may ask: everybody, who has a key, who has an admin's.
enum class web_access : std::uint8_t { open, key, admin };

/// One path of the HTTP interface, as nodes/web/openapi.json describes it.
struct web_route {
  std::string_view method;
  /// `/v1/jobs/{id}/events`: a part in braces takes any one segment, `{id...}` all that is left
  /// (a model's name may have slashes).
  std::string_view path;
  web_access access = web_access::key;
  /// Runs on a thread of the HTTP server; must not block.
  void (*answer)(web_call) = nullptr;
};

struct web_match {
  const web_route* route = nullptr;
  /// What the parts in braces took, in order.
  std::vector<std::string> parameters;
  /// Methods that the path has, where the asked one is not among them: `GET, POST`. Empty with a
  /// null route: there is no such path.
  std::string allowed;
};

/// HEAD is answered as GET.
[[nodiscard]] web_match find_route(const std::vector<web_route>& routes, std::string_view method,
                                   std::string_view path);

/// The value of `name` in a query string, decoded; empty: it is not there.
[[nodiscard]] std::string query_value(std::string_view query, std::string_view name);

}  // namespace tandem
