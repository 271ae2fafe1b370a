// A stub engine as a process of its own, to be killed or stopped. Prints one line when it listens.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/stub_engine.hpp"
#include "tests/support/temp_folder.hpp"

namespace {

using namespace tandem::test;

constexpr const char* usage_text =
    "stub_engine [--port N] [--kind openai|llama.cpp|sglang|vllm] [--model NAME] [--api-key KEY]\n"
    "            [--plan FILE] [--answer TEXT] [--tokens N] [--rate TOKENS_PER_S]\n"
    "            [--plan-tokens N] [--plan-rate TOKENS_PER_S] [--delay-us N] [--version V]\n"
    "Plan requests (system message `plan`) get FILE, others TEXT, or their own last message.\n";

struct behaviour {
  stub_options options;
  std::string plan = R"({"steps":[{"id":1,"prompt":"one step"}]})";
  std::string answer;
  std::uint32_t tokens = 0;
  std::uint32_t plan_tokens = 0;
  double rate = 0;
  double plan_rate = 0;
  long delay_us = 0;
};

stub_kind kind_of(const std::string& name) {
  if (name == "llama.cpp") return stub_kind::llama_cpp;
  if (name == "sglang") return stub_kind::sglang;
  return name == "vllm" ? stub_kind::vllm : stub_kind::openai;
}

bool take(behaviour& b, const std::string& flag, const std::string& value) {
  auto number = [&] { return static_cast<std::uint32_t>(std::stoul(value)); };
  if (flag == "--port")
    b.options.port = static_cast<std::uint16_t>(number());
  else if (flag == "--kind")
    b.options.kind = kind_of(value);
  else if (flag == "--model")
    b.options.model = value;
  else if (flag == "--version")
    b.options.weight_version = value;
  else if (flag == "--api-key")
    b.options.api_key = value;
  else if (flag == "--plan")
    b.plan = read_text(value);
  else if (flag == "--answer")
    b.answer = value;
  else if (flag == "--tokens")
    b.tokens = number();
  else if (flag == "--plan-tokens")
    b.plan_tokens = number();
  else if (flag == "--rate")
    b.rate = std::stod(value);
  else if (flag == "--plan-rate")
    b.plan_rate = std::stod(value);
  else if (flag == "--delay-us")
    b.delay_us = static_cast<long>(number());
  else
    return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  behaviour chosen;
  chosen.options.count_prompts = false;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && take(chosen, argv[i], argv[i + 1])) continue;
    std::cerr << usage_text;
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  stub_engine stub{
      chosen.options, [&](const stub_request& request) {
        auto plan = request.system == "plan";
        auto text = plan ? chosen.plan
                         : (chosen.answer.empty() ? std::string{request.user} : chosen.answer);
        auto answer = stub_answer::say(std::move(text), plan ? chosen.plan_tokens : chosen.tokens,
                                       plan ? chosen.plan_rate : chosen.rate);
        answer.first_token = std::chrono::microseconds{plan ? 0 : chosen.delay_us};
        return answer;
      }};
  std::cout << "stub ready url=" << stub.url() << " port=" << stub.port() << std::endl;
  int number = 0;
  ::sigwait(&ends, &number);
  auto seen = stub.counts();
  std::cout << "stub end requests=" << seen.requests << " connections=" << seen.connections
            << " cancelled=" << seen.cancelled << " open=" << seen.open << std::endl;
  return 0;
}
