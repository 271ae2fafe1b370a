#include "actors/weights/chunk_download.hpp"

#include <utility>

namespace tandem {

chunk_download::chunk_download(std::vector<std::uint8_t> buffer, std::size_t bytes_max,
                               receiver done)
    : bytes_max_{bytes_max}, done_{std::move(done)} {
  result_.body = std::move(buffer);
  result_.body.clear();
}

void chunk_download::on_head(const http_head& head) {
  result_.status = head.status;
  // Not before something comes: peers that do not answer cost nothing.
  if (head.status == 200 || head.status == 206) result_.body.reserve(bytes_max_);
}

http_next chunk_download::on_body(std::string_view bytes) {
  if (result_.body.size() + bytes.size() > bytes_max_) return http_next::stop;
  result_.body.insert(result_.body.end(), bytes.begin(), bytes.end());
  return http_next::progressed;
}

void chunk_download::on_end(http_outcome outcome) {
  result_.failure = outcome.failure;
  result_.text = std::move(outcome.text);
  result_.bytes_moved = outcome.bytes;
  if (result_.status == 0) result_.status = outcome.status;
  std::exchange(done_, nullptr)(std::move(result_));
}

}  // namespace tandem
