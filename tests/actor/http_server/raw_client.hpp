#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::test {

/// A TCP client that sends bytes as they are. Throws where nothing comes for twenty seconds.
class raw_client {
 public:
  struct answer {
    unsigned status = 0;
    /// Status line and headers, with the empty line.
    std::string head;
    /// Without its chunks.
    std::string body;
    /// By its length or last chunk, or (if neither is said) by the connection's end.
    bool is_whole = false;
  };

  /// `receive_bytes`: of the kernel's buffer; 0: its own choice.
  explicit raw_client(std::uint16_t port, int receive_bytes = 0);
  ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// False: the other side has closed.
  bool send(std::string_view bytes);
  /// Up to and with `mark`, which must come.
  std::string read_until(std::string_view mark);
  /// All up to the end. `was_reset`: it was no orderly one.
  std::string read_to_end(bool* was_reset = nullptr);
  answer read_answer(bool has_body = true);
  /// The other side has closed and sent nothing more.
  bool is_at_end();
  void half_close();
  void reset();

 private:
  /// False: the end.
  bool read_more();

  int socket_;
  std::string in_;
  bool was_reset_ = false;
};

}  // namespace tandem::test
