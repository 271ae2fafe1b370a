// What the fleet's models say: plans by a goal's shape, steps and answers that are their own
// prompt, verdicts; and each way to say it wrongly.

#include <algorithm>

#include "tests/fault/engine_faults_fleet.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

using test::stub_answer;
using test::stub_end;

struct shape {
  std::vector<unsigned> layers;
  bool composed = false;
};

const shape& shape_of(unsigned number) {
  static const std::array<shape, plan_shapes> shapes{{{{1}, false},
                                                      {{2, 1}, false},
                                                      {{3, 1}, false},
                                                      {{1, 1, 1}, false},
                                                      {{2}, true},
                                                      {{4, 2}, true}}};
  return shapes[number % plan_shapes];
}

struct planned_step {
  std::string prompt;
  std::string result;
  std::vector<unsigned> needs;
};

/// The steps, and last what the answer is composed of.
std::vector<planned_step> steps_of(std::string_view tag, const shape& of) {
  std::vector<planned_step> steps;
  auto add = [&](const std::string& name, const std::vector<unsigned>& needs) {
    planned_step next{.prompt = std::string{tag} + '-' + name, .result = {}, .needs = needs};
    next.result = next.prompt;
    for (auto id : needs) {
      next.prompt += " {{" + std::to_string(id) + "}}";
      next.result += ' ' + steps[id - 1].result;
    }
    steps.push_back(std::move(next));
  };
  std::vector<unsigned> before;
  unsigned id = 0;
  for (auto count : of.layers) {
    std::vector<unsigned> layer;
    for (unsigned i = 0; i < count; ++i) {
      add(std::to_string(++id), before);
      layer.push_back(id);
    }
    before = std::move(layer);
  }
  add("all", before);
  return steps;
}

std::string_view tag_of(std::string_view goal) {
  return goal.substr(0, goal.find(' '));
}

unsigned shape_in(std::string_view goal) {
  return static_cast<unsigned>(std::stoul(std::string{goal.substr(goal.rfind(' ') + 1)}));
}

std::string plan_for(std::string_view goal) {
  const auto& form = shape_of(shape_in(goal));
  auto steps = steps_of(tag_of(goal), form);
  std::string plan = R"({"steps":[)";
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    const auto& step = steps[i];
    std::string needs;
    for (auto id : step.needs) needs += (needs.empty() ? "" : ",") + std::to_string(id);
    plan += (i == 0 ? R"({"id":)" : R"(,{"id":)") + std::to_string(i + 1) + R"(,"prompt":)" +
            test::json_string(step.prompt) + R"(,"depends_on":[)" + needs +
            R"(],"check":{"kind":"exact","argument":)" + test::json_string(step.result) + "}}";
  }
  plan += ']';
  if (form.composed)
    plan += R"(,"answer":{"compose":)" + test::json_string(steps.back().prompt) + '}';
  return plan + '}';
}

constexpr std::string_view judge_end = "Reply with the JSON object only.";

std::string verdict_on(std::string_view user) {
  auto after = [](std::string_view text, std::string_view mark) {
    auto at = text.find(mark);
    return at == text.npos ? std::string_view{} : text.substr(at + mark.size());
  };
  auto wanted = after(user, "Rubric:\n");
  wanted = wanted.substr(0, wanted.find('\n'));
  auto output = after(user, "The output to judge, as data:\n");
  output.remove_prefix(std::min(output.size(), output.find('\n') + 1));
  output = output.substr(0, output.find('\n'));
  return wanted == output ? R"({"pass":true,"score":1,"reason":"it is"})"
                          : R"({"pass":false,"score":0,"reason":"it is not"})";
}

std::string text_for(const test::stub_request& request) {
  if (request.system == "plan") return plan_for(request.user);
  if (request.user.ends_with(judge_end)) return verdict_on(request.user);
  return std::string{request.user};
}

/// `s1j2`, wherever it stands first.
std::string tag_in(std::string_view text) {
  for (auto at = text.find('s'); at != text.npos; at = text.find('s', at + 1)) {
    auto digits = [&](std::size_t from) {
      return std::min(text.find_first_not_of("0123456789", from), text.size());
    };
    auto middle = digits(at + 1);
    if (middle == at + 1 || middle == text.size() || text[middle] != 'j') continue;
    if (auto end = digits(middle + 1); end != middle + 1)
      return std::string{text.substr(at, end - at)};
  }
  return {};
}

stub_answer cut_off(stub_answer whole, stub_end how) {
  whole.end = how;
  whole.after_tokens = whole.tokens / 2;
  return whole;
}

}  // namespace

std::string planned_goal(std::string_view tag, unsigned shape) {
  return std::string{tag} + " plan " + std::to_string(shape % plan_shapes);
}

std::string direct_goal(std::string_view tag) {
  return std::string{tag} + " direct";
}

std::string right_answer(std::string_view goal) {
  if (goal.ends_with(" direct")) return std::string{goal};
  const auto& form = shape_of(shape_in(goal));
  auto steps = steps_of(tag_of(goal), form);
  return steps[steps.size() - (form.composed ? 1 : 2)].result;
}

stub_answer engine_fleet::honest(std::size_t engine, const test::stub_request& request,
                                 bool counted) {
  // 1e-9 US dollars a token; as config() says.
  static constexpr std::array<std::int64_t, size> read_price{100, 100, 200, 3000, 3000};
  static constexpr std::array<std::int64_t, size> write_price{400, 400, 800, 15000, 15000};
  auto answer = stub_answer::say(text_for(request));
  answer.tokens =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(answer.text.size() / 8, 2, 40));
  auto prompt = 10 + (request.system.size() + request.user.size()) / 4;
  answer.usage = R"({"prompt_tokens":)" + std::to_string(prompt) + R"(,"completion_tokens":)" +
                 std::to_string(answer.tokens) + R"(,"total_tokens":)" +
                 std::to_string(prompt + answer.tokens) + '}';
  if (!counted) return answer;
  std::lock_guard lock{mutex_};
  auto& sum = spent_[tag_in(request.user)];
  sum.tokens += prompt + answer.tokens;
  sum.cost_nanousd += static_cast<std::int64_t>(prompt) * read_price[engine] +
                      static_cast<std::int64_t>(answer.tokens) * write_price[engine];
  return answer;
}

stub_answer engine_fleet::answer(std::size_t engine, const test::stub_request& request) {
  auto random = [this] {
    std::lock_guard lock{mutex_};
    return random_();
  };
  auto what = faults_[engine].load();
  if (what == engine_fault::mixed)
    what = static_cast<engine_fault>(random() % static_cast<unsigned>(engine_fault::mixed));
  auto plain = what == engine_fault::none || what == engine_fault::wrong;
  auto whole = honest(engine, request, plain);
  switch (what) {
    case engine_fault::slow:
      whole.tokens_per_s = random() % 2 == 0 ? 500 : 50;
      whole.first_token = std::chrono::milliseconds{random() % 400};
      return whole;
    case engine_fault::stall:
      return cut_off(whole, stub_end::stall);
    case engine_fault::never:
      return stub_answer::never();
    case engine_fault::cut:
      return random() % 4 == 0 ? stub_answer::hang_up() : cut_off(whole, stub_end::close);
    case engine_fault::reset:
      return cut_off(whole, stub_end::reset);
    case engine_fault::no_done:
      whole.end = stub_end::no_done;
      return whole;
    case engine_fault::error_event: {
      auto cut = cut_off(whole, stub_end::error_event);
      cut.body = R"({"error":{"message":"out of memory","code":500}})";
      return cut;
    }
    case engine_fault::flood: {
      auto cut = stub_answer::say({});
      cut.content_type = "text/event-stream";
      cut.body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n";
      cut.end = stub_end::endless;
      return cut;
    }
    case engine_fault::busy:
      return stub_answer::error(random() % 2 == 0 ? 429 : 503,
                                R"({"error":{"message":"queue is full"}})");
    case engine_fault::busy_after:
      return stub_answer::error(random() % 2 == 0 ? 429 : 503,
                                R"({"error":{"message":"queue is full"}})",
                                random() % 4 == 0 ? "Retry-After: 1\r\n" : "Retry-After: 0\r\n");
    case engine_fault::error_500:
      return stub_answer::error(500, R"({"error":{"message":"worker died"}})");
    case engine_fault::refusal_400:
      return stub_answer::error(400, R"({"error":{"message":"no such sampler"}})");
    case engine_fault::html: {
      auto page = stub_answer::error(200, "<html><body>502 Bad Gateway</body></html>");
      page.content_type = "text/html";
      return page;
    }
    case engine_fault::redirect:
      return stub_answer::error(307, "{}", "Location: http://127.0.0.2:1/v1/chat/completions\r\n");
    case engine_fault::broken_json: {
      auto broken = stub_answer::error(200, "data: {\"choices\":[{\"delta\n\n");
      broken.content_type = "text/event-stream";
      return broken;
    }
    case engine_fault::lying_usage: {
      static constexpr std::array<const char*, 5> lies{
          R"({"prompt_tokens":-5,"completion_tokens":-1})",
          R"({"prompt_tokens":99999999999,"completion_tokens":99999999999})", R"("a lot")",
          R"({"prompt_tokens":"12","completion_tokens":[]})",
          R"({"prompt_tokens":0,"completion_tokens":0})"};
      whole.usage = lies[random() % lies.size()];
      return whole;
    }
    case engine_fault::wrong:
      whole.text = "WRONG " + std::string{request.user.substr(0, 200)};
      return whole;
    default:
      return whole;
  }
}

}  // namespace tandem::fault
