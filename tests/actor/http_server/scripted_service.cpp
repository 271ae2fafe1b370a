#include "tests/actor/http_server/scripted_service.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "schema/errc.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

}  // namespace

http_response text_answer(std::string body, unsigned status) {
  http_response out;
  out.status = status;
  out.content_type = "text/plain";
  out.body = std::move(body);
  return out;
}

std::optional<http_response> scripted_service::look_at_head(const http_request& head) {
  return at_head ? at_head(head) : std::nullopt;
}

void scripted_service::on_request(http_request request, std::shared_ptr<http_reply> reply) {
  if (keeps) {
    std::lock_guard lock{mutex_};
    calls_.push_back({std::move(request), std::move(reply)});
    changed_.notify_all();
    return;
  }
  if (at_request) return at_request(std::move(request), std::move(reply));
  reply->send(
      text_answer(request.method + " " + request.path + " " + request.query + " " + request.body));
}

http_response scripted_service::refuse(unsigned status, std::string_view why) {
  return text_answer("refused: " + std::string{why}, status);
}

scripted_service::call scripted_service::next() {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, patience, [this] { return !calls_.empty(); }))
    throw std::runtime_error{"no request comes"};
  auto out = std::move(calls_.front());
  calls_.erase(calls_.begin());
  return out;
}

void flag::set() {
  std::lock_guard lock{mutex_};
  is_set_ = true;
  changed_.notify_all();
}

bool flag::wait() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [this] { return is_set_; });
}

void http_server_test::start() {
  auto made = web_server::start(options_, service_);
  if (!made) throw std::runtime_error{message_of(made.error())};
  server_ = std::move(*made);
}

bool http_server_test::wait_for(
    const std::function<bool(const web_server::counts&)>& condition) const {
  for (auto end = std::chrono::steady_clock::now() + patience;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(1ms))
    if (condition(server_->count())) return true;
  return false;
}

}  // namespace tandem::test
