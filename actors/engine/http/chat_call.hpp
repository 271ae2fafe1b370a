#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/engine/http/chat_reply.hpp"
#include "actors/engine/http/http_link.hpp"
#include "actors/engine/http/sse_reader.hpp"

namespace tandem {

/// One generation's exchange: reads whatever the server answers and reports its end exactly once.
class chat_call : public http_handler {
 public:
  /// `unconstrained`: the same request without its schema, sent if the server cannot take the
  /// schema.
  chat_call(std::shared_ptr<http_link> link, const generation_request& request, chat_reply reply,
            std::string unconstrained);

  void on_head(const http_head& head) override;
  http_next on_body(std::string_view bytes) override;
  void on_end(http_outcome outcome) override;

 private:
  using clock = std::chrono::steady_clock;
  enum class shape { unknown, stream, whole, refusal, html };

  /// What is done with a client's own request.
  enum class passing : std::uint8_t { no, events, chat, embeddings };

  chat_call(std::shared_ptr<http_link> link, std::uint64_t id, bool streams, passing how,
            chat_reply reply, std::string unconstrained);
  [[nodiscard]] static passing how_passed(const generation_request& request);
  [[nodiscard]] http_next read_stream(std::string_view bytes);
  [[nodiscard]] http_next keep(std::string_view bytes, std::size_t bytes_max);
  /// True: all is said.
  bool take(const chat_reply::news& news);
  void end_whole();
  void end_refusal();
  void end_stream();
  void end_early(const http_outcome& outcome);
  void fail(const http_verdict& verdict, bool is_unreached = false);
  void report_good();
  void report(generation result);
  [[nodiscard]] bool try_unconstrained(const http_verdict& verdict);

  const std::shared_ptr<http_link> link_;
  const std::uint64_t id_;
  const bool streams_;
  const passing passing_;
  clock::time_point first_text_;
  std::string unconstrained_;
  chat_reply reply_;
  sse_reader events_;
  shape shape_ = shape::unknown;
  int status_ = 0;
  std::chrono::milliseconds retry_after_{0};
  std::string content_type_;
  std::string body_;
  bool reported_ = false;
};

}  // namespace tandem
