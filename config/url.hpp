#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tandem {

/// What is wrong with a URL of the form `scheme://host[:port][/path]`, as the end of a sentence
/// that starts with the URL: `has no scheme; write http://...`. Empty: nothing. Neither a user, nor
/// a password, nor a query or fragment are allowed.
[[nodiscard]] std::string url_problem(std::string_view url,
                                      std::span<const std::string_view> schemes,
                                      bool may_have_path);

/// Whether a URL carries a user or a password; it must not be shown then.
[[nodiscard]] bool has_user(std::string_view url);

}  // namespace tandem
