#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/http_server/chunked_reader.hpp"
#include "actors/http_server/http_service.hpp"
#include "actors/http_server/request_check.hpp"

namespace tandem {

/// Reads one request from bytes that come in pieces. The head is read twice: by check_head, whose
/// reading is used, and by Boost.Beast, which must agree; what either refuses is refused. No
/// sockets, no clock. Is kept and used again: connections borrow one while they read a request.
class request_parser {
 public:
  enum class state { head, body, done, refused };

  explicit request_parser(head_limits limits);
  request_parser(const request_parser&) = delete;
  request_parser& operator=(const request_parser&) = delete;

  /// For the next request.
  void reset();
  /// How much it took from the front of `bytes`. It stops behind the head (`body`, or `done` where
  /// there is none) and behind the body (`done`). Of a head that is not complete it takes nothing,
  /// and wants those bytes again, with more behind them.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] state at() const { return at_; }
  [[nodiscard]] http_refusal why() const { return why_; }

  /// From the head's end on. Its views are gone by then; read the request.
  [[nodiscard]] const request_head& head() const { return head_; }
  [[nodiscard]] http_request& request() { return request_; }
  /// At least so much is still to come.
  [[nodiscard]] std::uint64_t body_left() const { return body_left_; }
  /// Of the body, dropped or not.
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  /// The rest of the body is read and not kept.
  void drop_body();

 private:
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void refuse(http_refusal why);
  void fill_request();

  head_limits limits_;
  state at_ = state::head;
  head_scan scan_;
  request_head head_;
  http_request request_;
  chunked_reader chunks_;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool keeps_body_ = true;
  http_refusal why_;
};

}  // namespace tandem
