#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/http/http_types.hpp"

namespace tandem {

/// One response's body, gathered.
class chunk_download : public http_handler {
 public:
  struct result {
    int status = 0;
    /// Of the transfer; the status is not looked at.
    http_failure failure = http_failure::none;
    std::string text;
    std::vector<std::uint8_t> body;
    std::uint64_t bytes_moved = 0;
  };
  using receiver = std::function<void(result)>;

  /// `buffer` is used again; `bytes_max` is reserved.
  chunk_download(std::vector<std::uint8_t> buffer, std::size_t bytes_max, receiver done);

  void on_head(const http_head& head) override;
  http_next on_body(std::string_view bytes) override;
  void on_end(http_outcome outcome) override;

 private:
  result result_;
  std::size_t bytes_max_;
  receiver done_;
};

}  // namespace tandem
