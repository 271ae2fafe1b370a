// The table of a build without the page.

#include "nodes/web/page/page_table.hpp"

namespace tandem::web {

const page_asset page_table[1]{};
const std::size_t page_table_size = 0;

}  // namespace tandem::web
