#include "actors/http/http_loop.hpp"

#include <pthread.h>
#include <signal.h>

#include <mutex>
#include <utility>

#include "actors/http/http_core.hpp"

namespace tandem {

http_loop::http_loop(const http_loop_options& options) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  core_ = std::make_shared<http_core>(options);
  // The process's signals are for other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread{[core = core_] {
    pthread_setname_np(pthread_self(), "tandem-http");
    core->run();
  }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

http_loop::~http_loop() {
  core_->stop();
  if (core_->in_loop())
    thread_.detach();
  else
    thread_.join();
}

std::uint64_t http_loop::start(std::shared_ptr<const http_endpoint> endpoint, std::string body,
                               std::shared_ptr<http_handler> handler,
                               std::vector<std::string> headers) {
  auto id = core_->next_id();
  core_->submit(http_core::start_command{id, std::move(endpoint), std::move(body),
                                         std::move(handler), std::move(headers)});
  return id;
}

void http_loop::cancel(std::uint64_t exchange) {
  core_->submit(http_core::cancel_command{exchange});
}

void http_loop::call_after(std::chrono::milliseconds pause, std::function<void()> function) {
  core_->submit(http_core::timer_command{http_core::clock::now() + pause, std::move(function)});
}

bool http_loop::in_loop() const noexcept {
  return core_->in_loop();
}

std::size_t http_loop::running() const noexcept {
  return core_->running();
}

}  // namespace tandem
