#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/etcd/etcd_config.hpp"
#include "actors/etcd/etcd_history.hpp"
#include "actors/etcd/etcd_types.hpp"
#include "actors/http/http_loop.hpp"

namespace tandem {

/// The client's inside. Everything but submit(), post() and later() runs on the loop's thread.
class etcd_core : public std::enable_shared_from_this<etcd_core> {
 public:
  using clock = std::chrono::steady_clock;

  struct request {
    std::string_view path;
    std::string body;
    /// May be sent again when its answer did not come.
    bool can_repeat = false;
    /// Its answer comes from etcd's agreed state.
    bool is_current = false;
    /// 0: the configured one.
    std::chrono::milliseconds timeout{0};
    etcd_callback done;
  };

  etcd_core(etcd_config config, std::string password, const std::shared_ptr<http_loop>& loop,
            etcd_history history);
  ~etcd_core();

  /// From any thread.
  void submit(request next);
  void post(std::function<void()> function);
  void later(std::chrono::milliseconds pause, std::function<void()> function);

  /// Every call ends; every later one too.
  void close();
  [[nodiscard]] bool is_closed() const { return closed_; }
  [[nodiscard]] etcd_history& history() { return history_; }
  [[nodiscard]] std::size_t endpoint_number() const { return current_; }
  /// That endpoint does not do, if it is still the one in use.
  void leave_endpoint(std::size_t number);

  /// A response without end, from the endpoint in use. 0: the loop is gone.
  std::uint64_t open_stream(std::string_view path, std::string body,
                            std::shared_ptr<http_handler> handler);
  void cancel_stream(std::uint64_t exchange);
  [[nodiscard]] const etcd_config& config() const { return config_; }

 private:
  struct call;
  class answer;

  void begin(std::shared_ptr<call> next);
  void attempt(const std::shared_ptr<call>& one);
  void log_in(const std::shared_ptr<call>& one);
  void logged_in(etcd_result result);
  void ended(const std::shared_ptr<call>& one, std::size_t endpoint, const http_outcome& outcome,
             std::string_view body);
  void answered(const std::shared_ptr<call>& one, std::size_t endpoint, std::string_view body);
  void refused(const std::shared_ptr<call>& one, std::size_t endpoint, int status,
               std::string_view body);
  /// To the next endpoint, now or after a pause.
  void try_again(const std::shared_ptr<call>& one, std::size_t endpoint, std::string why);
  void lost(const std::shared_ptr<call>& one, std::size_t endpoint, std::string why);
  void finish(const std::shared_ptr<call>& one, etcd_failure failure, std::string text,
              etcd_reply reply = {});
  void drop_token();
  [[nodiscard]] std::shared_ptr<const http_endpoint> endpoint_of(std::size_t number,
                                                                 std::string_view path,
                                                                 bool is_stream);

  const etcd_config config_;
  const std::string password_;
  const std::weak_ptr<http_loop> loop_;
  const std::chrono::milliseconds try_timeout_;
  etcd_history history_;
  bool closed_ = false;
  std::size_t current_ = 0;
  std::string token_;
  bool is_logging_in_ = false;
  std::vector<std::shared_ptr<call>> waiting_for_token_;
  std::uint64_t next_call_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<call>> calls_;
  std::map<std::pair<std::size_t, std::string>, std::shared_ptr<const http_endpoint>> endpoints_;
};

}  // namespace tandem
