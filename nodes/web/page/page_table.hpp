#pragma once

// Between the generated table and find_page_asset().

#include <cstddef>

#include "nodes/web/page/page_assets.hpp"

namespace tandem::web {

/// Sorted by path.
extern const page_asset page_table[];
extern const std::size_t page_table_size;

}  // namespace tandem::web
