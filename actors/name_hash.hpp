#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace tandem {

/// For maps of names that are looked up without making a string, with `std::equal_to<>`.
struct name_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

}  // namespace tandem
