#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/gateway/front_process.hpp"

namespace tandem::bench {

/// A connected socket, blocking, without delay; exits when there is none. `receive_bytes`: the
/// kernel's buffer; 0: as it is.
[[nodiscard]] int connect_to(std::uint16_t port, int receive_bytes = 0);

/// A chat request as bytes.
[[nodiscard]] std::string request_of(const front_process& front, std::string_view body);

/// An answer with its length, head and all; empty: none came.
[[nodiscard]] std::string read_answer(int fd);
/// The same of one chat request.
[[nodiscard]] std::string ask_once(const front_process& front, std::string_view body);

struct streams_result {
  /// From a request's last byte to the first piece of text, of each stream.
  std::vector<double> first_s;
  double per_s = 0;
  /// Streams that were whole: every piece and [DONE].
  int whole = 0;
  int failed = 0;
  /// Begun and not yet over.
  int open_most = 0;
};

/// `count` streams of `pieces` pieces of text each, so many connections at a time, one thread on
/// the load's core.
[[nodiscard]] streams_result run_streams(const front_process& front, std::string_view body,
                                         int connections, int count, int pieces);

/// One answer, read as it comes.
class stream_reader {
 public:
  /// Pieces of text that came with these bytes.
  int feed(std::string_view bytes);
  [[nodiscard]] int pieces() const { return pieces_; }
  /// The last chunk of the response is here.
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] bool has_done() const { return has_done_; }

 private:
  std::string rest_;
  int pieces_ = 0;
  bool has_done_ = false;
  bool is_over_ = false;
};

}  // namespace tandem::bench
