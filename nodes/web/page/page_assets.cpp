#include "nodes/web/page/page_assets.hpp"

#include <algorithm>

#include "nodes/web/page/page_table.hpp"

namespace tandem::web {

const page_asset* find_page_asset(std::string_view path) noexcept {
  const auto* end = page_table + page_table_size;
  const auto* found = std::lower_bound(
      page_table, end, path,
      [](const page_asset& asset, std::string_view wanted) { return asset.path < wanted; });
  return found != end && found->path == path ? found : nullptr;
}

}  // namespace tandem::web
