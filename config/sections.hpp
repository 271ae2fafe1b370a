#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/binder.hpp"
#include "config/node_config.hpp"
#include "config/units.hpp"

namespace tandem {

/// Of one template of a prompt.
inline constexpr std::size_t prompt_bytes_max = 64 * kib;

/// `[name]` in the config file, or a section of a list's item.
struct config_section {
  std::string name;
  std::string doc;
  config_fields fields;
  /// Whether the item that it belongs to uses it; writing one that nobody reads is an error.
  bool is_used = true;
  /// Who does, in words.
  std::string_view users = {};
};

/// `[[name]]` in the config file: items that have names of their own.
struct config_list {
  std::string_view name;
  std::string doc;
  std::size_t items_max = 0;
  std::function<std::size_t()> size;
  /// One more, with defaults.
  std::function<void()> add;
  /// Precondition of both: there is an item of this number. The item's own name.
  std::function<const std::string&(std::size_t)> item_name;
  /// The item's own keys, without a name, then its sections, such as `[engine.http]`. Bound to the
  /// item until the next `add`.
  std::function<std::vector<config_section>(std::size_t)> bind;
};

/// Every plain section, bound to `config`, which must outlive the result.
[[nodiscard]] std::vector<config_section> bind_sections(node_config& config);

/// The name of `[cache.NAME]`, where `section` is one; else empty.
[[nodiscard]] std::string_view cache_tier_of(std::string_view section);
/// Makes sure that there is a `[cache.NAME]`, with the defaults of that tier.
void add_cache_tier(node_config& config, std::string_view tier);

/// Every list, bound to `config`, which must outlive the result.
[[nodiscard]] std::vector<config_list> bind_lists(node_config& config);

/// An `[[engine]]`'s own keys, then `[engine.http]` and the others.
[[nodiscard]] std::vector<config_section> bind_engine(engine_config& engine);

inline constexpr std::array<std::string_view, 5> engine_kinds{"embedded", "http", "managed",
                                                              "replay", "sim"};

/// The kinds of checks that a `[[kind]]` may name.
inline constexpr std::array<std::string_view, 7> check_kinds{
    "number", "exact", "contains", "regex", "json_schema", "judge", "command"};

}  // namespace tandem
