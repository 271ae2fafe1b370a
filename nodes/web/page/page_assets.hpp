#pragma once

// The files of the web page, within the binary. Built from src/ by vite; see CMakeLists.txt.

#include <string_view>

namespace tandem::web {

struct page_asset {
  /// As it is asked for: "/", "/assets/index-CJkq0x.js".
  std::string_view path;
  std::string_view content_type;
  /// The content, compressed; every browser that can show the page accepts it so.
  std::string_view gzip;
  /// A strong validator, with its quotes.
  std::string_view etag;
  /// Its name changes with its content: a browser may keep it for ever.
  bool immutable = false;
};

/// By the path of a request without its query, case-sensitive; nullptr when there is none, and
/// always in a build without the page (TANDEM_PAGE=OFF). All views live as long as the program.
[[nodiscard]] const page_asset* find_page_asset(std::string_view path) noexcept;

}  // namespace tandem::web
