#include "tests/fault/engine_faults_fleet.hpp"

#include <csignal>
#include <stdexcept>
#include <thread>

namespace tandem::fault {
namespace {

constexpr std::size_t process_at = 1;

struct engine_words {
  std::string_view name;
  std::string_view model;
  test::stub_kind kind;
  std::string_view server;
};
constexpr std::array<engine_words, engine_fleet::size> engines{{
    {"little-0", "little", test::stub_kind::sglang, "auto"},
    {"little-1", "little", test::stub_kind::openai, "auto"},
    {"other-0", "other", test::stub_kind::openai, "openai"},
    {"big-0", "big", test::stub_kind::vllm, "auto"},
    {"big-1", "big", test::stub_kind::llama_cpp, "auto"},
}};

/// Below the ports that the kernel gives to connections, one of which could else take the port
/// while a server is down.
std::uint16_t some_port() {
  static std::mutex mutex;
  static std::mt19937 random{std::random_device{}()};
  std::lock_guard lock{mutex};
  return static_cast<std::uint16_t>(12'000 + random() % 20'000);
}

std::unique_ptr<test::stub_engine> make_stub(const engine_words& of) {
  for (int tries = 0;; ++tries) {
    try {
      test::stub_options options;
      options.kind = of.kind;
      options.port = some_port();
      options.model = of.model;
      options.check_model = true;
      options.context_tokens = 1'000'000;
      options.count_prompts = false;
      return std::make_unique<test::stub_engine>(std::move(options));
    } catch (const std::system_error&) {
      if (tries == 50) throw;
    }
  }
}

/// Somebody may hold the old listener for a moment: a program that is being forked has all files
/// until it runs.
void start_again(test::stub_engine& stub) {
  for (int tries = 0;; ++tries) {
    try {
      return stub.start();
    } catch (const std::system_error&) {
      if (tries == 2000) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
}

}  // namespace

std::string_view to_string(engine_fault what) {
  static constexpr std::array<std::string_view, engine_fault_count> names{
      "none",        "slow",        "stall",    "never",       "cut",         "reset",
      "no_done",     "error_event", "flood",    "busy",        "busy_after",  "error_500",
      "refusal_400", "html",        "redirect", "broken_json", "lying_usage", "wrong",
      "mixed",       "down",        "stopped",  "resetting",   "loading",     "other_model"};
  return names[static_cast<std::size_t>(what)];
}

engine_fleet::engine_fleet() {
  for (std::size_t i = 0; i < size; ++i) {
    if (i == process_at) continue;
    stubs_[i] = make_stub(engines[i]);
    stubs_[i]->set_handler([this, i](const test::stub_request& r) { return answer(i, r); });
  }
  for (int tries = 0; tries < 50 && !process_; ++tries) {
    process_port_ = some_port();
    start_process();
  }
  if (!process_) throw std::runtime_error{"the stub engine does not start"};
}

engine_fleet::~engine_fleet() {
  // Their handlers use what else is here.
  for (auto& stub : stubs_) stub.reset();
}

void engine_fleet::start_process() {
  process_ = std::make_unique<test::child_process>(
      test::child_options{.program = std::string{TANDEM_BIN_DIR} + "/stub_engine",
                          .arguments = {"--port", std::to_string(process_port_), "--model",
                                        std::string{engines[process_at].model}},
                          .environment = {},
                          .input = {}});
  process_stopped_ = false;
  if (!process_->wait_line("stub ready", std::chrono::seconds{20})) process_.reset();
}

std::string_view engine_fleet::name(std::size_t engine) {
  return engines[engine].name;
}

std::string engine_fleet::config() const {
  auto model = [](std::string_view name, std::string_view tier, std::string_view prices) {
    return "[[model]]\nname = \"" + std::string{name} + "\"\ntier = \"" + std::string{tier} +
           "\"\n" + std::string{prices} + "plan_system = \"plan\"\nstep_system = \"act\"\n";
  };
  auto text = model("little", "small", "input_price = 0.1\noutput_price = 0.4\n") +
              model("other", "small", "input_price = 0.2\noutput_price = 0.8\n") +
              model("big", "large", "input_price = 3.0\noutput_price = 15.0\n");
  for (std::size_t i = 0; i < size; ++i) {
    auto port = i == process_at ? process_port_ : stubs_[i]->port();
    text += "[[engine]]\nname = \"" + std::string{engines[i].name} +
            "\"\nkind = \"http\"\nmodel = \"" + std::string{engines[i].model} +
            "\"\nconcurrency = 8\nweight_version = \"1\"\n[engine.http]\nurl = "
            "\"http://127.0.0.1:" +
            std::to_string(port) + "\"\nserver = \"" + std::string{engines[i].server} +
            "\"\n"
            "connect_timeout = \"300ms\"\nfirst_token_timeout = \"300ms\"\n"
            "stall_timeout = \"200ms\"\nresponse_bytes_max = \"64KiB\"\n"
            "health_interval = \"50ms\"\nhealth_timeout = \"200ms\"\nrise = 1\nfall = 2\n"
            "[engine.breaker]\nfailures = 3\npause = \"50ms\"\npause_max = \"200ms\"\n";
  }
  return text;
}

void engine_fleet::set_process(engine_fault what) {
  if (process_stopped_) {
    process_->signal(SIGCONT);
    process_stopped_ = false;
  }
  if (what == engine_fault::none) {
    if (process_) return;
    // Its connections may still hold the port.
    for (int tries = 0; tries < 200 && !process_; ++tries) start_process();
    if (!process_) throw std::runtime_error{"the stub engine does not start again"};
    return;
  }
  if (!process_) return;
  if (static_cast<unsigned>(what) % 2 == 0) {
    process_->signal(SIGSTOP);
    process_stopped_ = true;
  } else {
    process_->kill9();
    process_.reset();
  }
}

void engine_fleet::set(std::size_t engine, engine_fault what) {
  if (engine == process_at) return set_process(what);
  auto& stub = *stubs_[engine];
  switch (faults_[engine].exchange(what)) {
    case engine_fault::down:
      start_again(stub);
      break;
    case engine_fault::stopped:
    case engine_fault::resetting:
      stub.set_accept(test::stub_accept::normal);
      break;
    case engine_fault::loading:
      stub.set_loading(false);
      break;
    case engine_fault::other_model:
      stub.stop();
      stub.set_model(std::string{engines[engine].model}, "1");
      start_again(stub);
      break;
    default:
      break;
  }
  switch (what) {
    case engine_fault::down:
      stub.stop();
      break;
    case engine_fault::stopped:
      stub.close_idle();
      stub.set_accept(test::stub_accept::ignore);
      break;
    case engine_fault::resetting:
      stub.close_idle();
      stub.set_accept(test::stub_accept::reset);
      break;
    case engine_fault::loading:
      stub.set_loading(true);
      break;
    case engine_fault::other_model:
      stub.stop();
      stub.set_model("impostor", "9");
      start_again(stub);
      break;
    default:
      break;
  }
}

void engine_fleet::heal() {
  for (std::size_t i = 0; i < size; ++i) set(i, engine_fault::none);
}

std::string engine_fleet::still_open(std::chrono::milliseconds limit) {
  std::string who;
  for (std::size_t i = 0; i < size; ++i) {
    if (!stubs_[i] || stubs_[i]->wait([](const auto& seen) { return seen.open == 0; }, limit))
      continue;
    who += std::string{engines[i].name} + " has " + std::to_string(stubs_[i]->counts().open) +
           " answers under way; ";
  }
  return who;
}

stub_spending engine_fleet::spent(const std::string& tag) {
  std::lock_guard lock{mutex_};
  auto found = spent_.find(tag);
  return found == spent_.end() ? stub_spending{} : found->second;
}

}  // namespace tandem::fault
