#include "tests/support/stub_engine.hpp"

#include "tests/support/stub_engine_loop.hpp"

namespace tandem::test {

stub_answer stub_answer::say(std::string text, std::uint32_t tokens, double tokens_per_s) {
  stub_answer answer;
  answer.text = std::move(text);
  answer.tokens = tokens;
  answer.tokens_per_s = tokens_per_s;
  return answer;
}

stub_answer stub_answer::error(int status, std::string body, std::string headers) {
  stub_answer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.headers = std::move(headers);
  return answer;
}

stub_answer stub_answer::bytes(std::string raw, stub_end end) {
  stub_answer answer;
  answer.raw = std::move(raw);
  answer.end = end;
  return answer;
}

stub_answer stub_answer::hang_up() {
  return bytes({}, stub_end::close);
}

stub_answer stub_answer::never() {
  return bytes({}, stub_end::stall);
}

stub_handler plan_act(std::function<std::string(std::string_view)> plan,
                      std::function<std::string(std::string_view)> step) {
  return [plan = std::move(plan), step = std::move(step)](const stub_request& request) {
    return stub_answer::say(request.system == "plan" ? plan(request.user) : step(request.user));
  };
}

std::string layered_plan(std::initializer_list<unsigned> layers) {
  std::string plan = R"({"steps":[)";
  unsigned first = 1;
  unsigned before = 0;
  for (unsigned size : layers) {
    for (unsigned id = first; id < first + size; ++id) {
      plan += (id == 1 ? R"({"id":)" : R"(,{"id":)") + std::to_string(id) + R"(,"prompt":"step )" +
              std::to_string(id) + R"(","depends_on":[)";
      for (unsigned k = first - before; k < first; ++k)
        plan += (k == first - before ? "" : ",") + std::to_string(k);
      plan += "]}";
    }
    first += size;
    before = size;
  }
  return plan + "]}";
}

stub_engine::stub_engine(stub_options options, stub_handler handler)
    : loop_{std::make_unique<loop>(std::move(options), std::move(handler))} {}
stub_engine::~stub_engine() = default;

std::uint16_t stub_engine::port() const {
  return loop_->options.port;
}
std::string stub_engine::url() const {
  return "http://127.0.0.1:" + std::to_string(port());
}
void stub_engine::set_handler(stub_handler handler) {
  loop_->call([&] { loop_->handler = std::move(handler); });
}
void stub_engine::push(stub_answer answer) {
  loop_->call([&] { loop_->pushed.push_back(std::move(answer)); });
}
void stub_engine::set_path(std::string path, stub_answer answer) {
  loop_->call([&] { loop_->paths[std::move(path)] = std::move(answer); });
}
void stub_engine::clear_path(const std::string& path) {
  loop_->call([&] { loop_->paths.erase(path); });
}
void stub_engine::set_loading(bool on) {
  loop_->call([&] { loop_->loading = on; });
}
void stub_engine::set_model(std::string name, std::string weight_version) {
  loop_->call([&] {
    loop_->options.model = std::move(name);
    loop_->options.weight_version = std::move(weight_version);
  });
}
void stub_engine::set_accept(stub_accept how) {
  loop_->call([&] { loop_->set_accept(how); });
}
void stub_engine::close_idle() {
  loop_->call([&] { loop_->close_idle(); });
}
void stub_engine::stop() {
  loop_->stop();
}
void stub_engine::start() {
  loop_->start();
}
stub_counts stub_engine::counts() {
  stub_counts now;
  loop_->call([&] { now = loop_->counts; });
  return now;
}
std::uint64_t stub_engine::asked(const std::string& user) {
  std::uint64_t times = 0;
  loop_->call([&] {
    auto found = loop_->prompts.find(user);
    if (found != loop_->prompts.end()) times = found->second;
  });
  return times;
}
bool stub_engine::wait(std::function<bool(const stub_counts&)> seen,
                       std::chrono::milliseconds limit) {
  return loop_->wait(std::move(seen), limit);
}

}  // namespace tandem::test
