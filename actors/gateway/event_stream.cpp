#include "actors/gateway/event_stream.hpp"

namespace tandem {

void event_stream::write(std::string piece) {
  if (piece.empty()) return;
  if (!std::exchange(has_begun_, true)) {
    http_response head{.content_type = "text/event-stream", .headers = std::move(headers_)};
    head.headers.emplace_back("Cache-Control", "no-cache");
    // nginx in front would keep pieces back.
    head.headers.emplace_back("X-Accel-Buffering", "no");
    reply_->begin(std::move(head));
  }
  said_ = clock::now();
  reply_->write(std::move(piece));
}

void event_stream::end() {
  reply_->end();
}

void event_stream::on_tick(clock::time_point now) {
  if (now - said_ >= pulse_) write(": \n\n");
}

}  // namespace tandem
