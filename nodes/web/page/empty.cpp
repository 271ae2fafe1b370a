#include "nodes/web/page/page_assets.hpp"
namespace tandem { const page_asset* find_page_asset(std::string_view) noexcept { return nullptr; } }
