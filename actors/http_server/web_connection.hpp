#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "actors/http_server/request_parser.hpp"
#include "actors/http_server/web_exchange.hpp"
#include "actors/http_server/web_loop.hpp"
#include "actors/http_server/web_transport.hpp"

namespace tandem {

/// One client: reads a request, has it answered, sends the answer, reads the next. Used by its
/// loop's thread alone. Asio waits for the socket; reads and writes are plain calls on it, with
/// buffers that the loop lends.
class web_connection : public std::enable_shared_from_this<web_connection> {
 public:
  using tcp = boost::asio::ip::tcp;
  /// tcp::socket hides its executor behind virtual calls.
  using socket_type = boost::asio::basic_stream_socket<tcp, boost::asio::io_context::executor_type>;
  using time_point = web_loop::time_point;

  web_connection(web_loop& loop, socket_type socket, const tcp::endpoint& peer,
                 std::shared_ptr<SSL_CTX> tls);
  ~web_connection();
  web_connection(const web_connection&) = delete;
  web_connection& operator=(const web_connection&) = delete;

  /// Is counted in `connections` or `turned_away` already. `turned_away`: there is no place for it;
  /// told so, and closed.
  void start(bool turned_away);
  /// More of the answer is here.
  void deliver();
  void close();
  /// The server is at its end: nobody is called any more.
  void forget();
  [[nodiscard]] bool is_due(time_point now) const { return now >= deadline_; }
  void look(time_point now);

 private:
  enum class phase { handshake, head, body, answer, linger, closed };
  /// Part of what goes out: bytes of its own, or such that outlive the server.
  struct segment {
    std::string own;
    std::string_view fixed;
    /// Of the exchange, given back when all is sent.
    std::size_t charge = 0;
    /// More can be appended, while it is the last.
    bool is_text = false;
    std::size_t sent = 0;

    [[nodiscard]] std::string_view rest() const {
      return (fixed.empty() ? std::string_view{own} : fixed).substr(sent);
    }
  };

  // web_connection.cpp: its life, and reading.
  /// Whatever goes wrong with one connection ends that one.
  template <class Step>
  void guarded(Step step) {
    try {
      step();
    } catch (...) {
      is_processing_ = false;
      client_left();
    }
  }
  void wait_to_read();
  void wait_to_write();
  void on_readable();
  void on_writable();
  void shake_hands();
  void read_some();
  [[nodiscard]] std::size_t room_to_read() const;
  void take(std::string_view bytes);
  void process(std::string_view bytes);
  [[nodiscard]] bool read_request(std::string_view& bytes);
  void on_head(bool has_more);
  void on_body_bytes();
  void on_request();
  void resume();
  void on_end();
  void on_timeout();
  void move_to(web_loop::connections& list);
  [[nodiscard]] bool is_in_head() const { return parser_ != nullptr; }
  void give_back_memory();
  void uncount();

  // web_answer.cpp: answering and writing.
  [[nodiscard]] http_response words_for(unsigned status, std::string_view why);
  void refuse(unsigned status, std::string_view why);
  /// Without an exchange.
  void answer_now(http_response answer);
  void render(http_response& answer, bool is_whole);
  void render_piece(std::string piece);
  [[nodiscard]] std::string& text_segment();
  void flush();
  [[nodiscard]] bool write_some();
  void forget_sent(std::size_t bytes);
  void on_answered();
  void linger();
  /// The service has ended its answer before its end.
  void cut();
  /// The client does not read, and is dropped.
  void give_up();
  void client_left();
  void end_exchange(bool has_left);

  web_loop& loop_;
  web_shared& shared_;
  socket_type socket_;
  std::shared_ptr<SSL_CTX> context_;
  web_transport transport_;
  web_loop::connections* list_ = nullptr;
  web_loop::connections::iterator place_;
  std::string peer_;
  bool is_loopback_ = false;
  bool is_turned_away_ = false;
  bool is_counted_ = true;

  phase phase_ = phase::handshake;
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool is_processing_ = false;
  /// The client has shut down its side, and may.
  bool is_half_closed_ = false;
  time_point deadline_;

  /// Came with or before what is read now: the rest of a head, or requests to come.
  std::string in_;
  std::unique_ptr<request_parser> parser_;
  time_point body_since_;
  /// Of body bytes, given back with the answer.
  std::size_t charged_ = 0;
  /// Refuses the request whose body is being dropped.
  std::unique_ptr<http_response> refusal_;

  std::shared_ptr<web_exchange> exchange_;
  std::vector<segment> out_;
  std::size_t out_at_ = 0;
  /// Since the write deadline was set.
  std::size_t written_ = 0;
  bool is_old_ = false;
  bool is_last_ = false;
  bool keep_alive_ = true;
  bool is_head_request_ = false;
  bool has_begun_ = false;
  bool is_chunked_ = false;
  bool has_body_ = true;
  /// All of the answer is in `out_`.
  bool is_ended_ = false;
  bool is_cut_ = false;
  std::size_t lingered_ = 0;
};

}  // namespace tandem
