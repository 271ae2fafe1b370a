#pragma once
#include <string_view>
namespace tandem { struct page_asset { std::string_view path; std::string_view content_type; std::string_view gzip; std::string_view etag; bool immutable; }; [[nodiscard]] const page_asset* find_page_asset(std::string_view path) noexcept; }
