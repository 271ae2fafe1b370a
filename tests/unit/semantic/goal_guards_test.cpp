#include "actors/semantic/goal_guards.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tandem {
namespace {

guard_verdict compare(std::string_view asked, std::string_view kept) {
  auto facts = [](std::string_view text) {
    auto words = words_of(text, 10'000);
    return facts_of(words, numbers_of(words));
  };
  return check_guards(facts(asked), facts(kept));
}

struct pair_of_goals {
  std::string_view one;
  std::string_view two;
  goal_guard refused_by;
};

void PrintTo(const pair_of_goals& p, std::ostream* out) {
  *out << p.one << " | " << p.two;
}

class Guards : public testing::TestWithParam<pair_of_goals> {};

TEST_P(Guards, DecideAboutThisPair) {
  const auto& p = GetParam();
  auto verdict = compare(p.one, p.two);
  EXPECT_STREQ(to_string(verdict.refused_by), to_string(p.refused_by)) << verdict.why;
  EXPECT_EQ(verdict.why.empty(), verdict.passed());
  EXPECT_EQ(compare(p.two, p.one).passed(), verdict.passed()) << "not symmetric";
  auto hash = [](std::string_view text) { return hash_of_numbers(numbers_of(words_of(text, 99))); };
  EXPECT_EQ(hash(p.one) == hash(p.two), p.refused_by != goal_guard::numbers);
}

using enum goal_guard;

INSTANTIATE_TEST_SUITE_P(
    Rewordings, Guards,
    testing::Values(
        pair_of_goals{"James buys 3 packs of cards.", "James purchases three packs of cards.",
                      none},
        pair_of_goals{"She eats twice as many.", "She eats double that.", none},
        pair_of_goals{"A quarter of the cake", "1/4 of the cake", none},
        pair_of_goals{"Sum 1,000 and 5", "Put 1000 to five", none},
        pair_of_goals{"Janet’s ducks lay 16 eggs", "The ducks of Janet lay sixteen eggs", none},
        pair_of_goals{"He doesn't eat 4 of them", "4 of them he does not eat", none},
        pair_of_goals{"Tom runs 5 miles. How far is it?", "How far is it when Tom runs 5 miles?",
                      none},
        pair_of_goals{"Mr. Tan sold it for $400 000", "It was sold by Mr. Tan for $400,000", none},
        pair_of_goals{"Create a game for 2 people", "Build a game for two people", none},
        pair_of_goals{"plan a trip to Rome", "make a plan for a journey to Rome", none}));

INSTANTIATE_TEST_SUITE_P(
    OtherNumbers, Guards,
    testing::Values(pair_of_goals{"Buy 3 apples", "Buy 4 apples", numbers},
                    pair_of_goals{"Buy three apples", "Buy four apples", numbers},
                    pair_of_goals{"raise it by 5", "raise it by 5%", numbers},
                    pair_of_goals{"a third of the cake", "a quarter of the cake", numbers},
                    pair_of_goals{"at 5 degrees", "at -5 degrees", numbers},
                    pair_of_goals{"Buy apples", "Buy a dozen apples", numbers},
                    pair_of_goals{"the second day", "the third day", numbers},
                    pair_of_goals{"pay 2 million", "pay 2 thousand", numbers},
                    pair_of_goals{"wait 1.5 hours", "wait 15 hours", numbers},
                    pair_of_goals{"twice the size", "half the size", numbers}));

INSTANTIATE_TEST_SUITE_P(
    OtherNames, Guards,
    testing::Values(pair_of_goals{"a letter to Alice", "a letter to Robert", names},
                    pair_of_goals{"fly to New York", "fly to York", names},
                    pair_of_goals{"meet on Monday", "meet on Tuesday", names},
                    pair_of_goals{"Alice buys a ring", "Robert buys a ring", names},
                    pair_of_goals{"read \"the old man\" aloud", "read \"the young man\" aloud",
                                  literals},
                    pair_of_goals{"open https://a.example/x", "open https://a.example/y", literals},
                    pair_of_goals{"fix /etc/hosts", "fix /etc/passwd", literals},
                    pair_of_goals{"mail ann@example.org", "mail bob@example.org", literals},
                    pair_of_goals{"rename old_name here", "rename new_name here", literals},
                    pair_of_goals{"call getUser twice", "call setUser twice", literals},
                    pair_of_goals{"read data.csv", "read data.json", literals},
                    pair_of_goals{"use gpt4", "use gpt5", literals},
                    pair_of_goals{"call std::sort", "call std::find", literals}));

INSTANTIATE_TEST_SUITE_P(
    TurnedMeaning, Guards,
    testing::Values(
        pair_of_goals{"files that are open", "files that are not open", negations},
        pair_of_goals{"delete all files", "never delete all files", negations},
        pair_of_goals{"Paint the fence, and whatever happens in summer never touch old clocks",
                      "Never paint the fence, and whatever happens in summer touch old clocks",
                      negations},
        pair_of_goals{"coffee with milk", "coffee without milk", negations},
        pair_of_goals{"He can eat", "He can't eat", negations},
        pair_of_goals{"copy everything", "copy everything except the photos", negations},
        pair_of_goals{"she has more than him", "she has less than him", opposites},
        pair_of_goals{"wash it before supper", "wash it after supper", opposites},
        pair_of_goals{"she buys shares", "she sells shares", opposites},
        pair_of_goals{"the highest bid", "the lowest bid", opposites},
        pair_of_goals{"enable the firewall", "disable the firewall", opposites}));

INSTANTIATE_TEST_SUITE_P(
    ChangedPlaces, Guards,
    testing::Values(
        pair_of_goals{"5 apples and 3 pears", "3 apples and 5 pears", counted},
        pair_of_goals{"She pays $5 for ads and $75 for films",
                      "She pays $75 for ads and $5 for films", counted},
        pair_of_goals{"A tank is 17 feet deep and rises by 7 feet",
                      "The depth of a tank is 7 feet and it then rises by 17 feet", swapped},
        pair_of_goals{"Alice gives Bob the ring", "Bob gives Alice the ring", swapped},
        pair_of_goals{"from Paris to Rome by train", "from Rome to Paris by train", swapped},
        pair_of_goals{"the dog that bites the man", "the man that bites the dog", swapped}));

TEST(Guards, SayInOneSentenceWhatDiffers) {
  EXPECT_EQ(compare("Buy 3 apples", "Buy 4 apples").why, "the number 3 is not in the stored goal");
  EXPECT_EQ(compare("a letter to Alice", "a letter to her").why,
            "the name \"alice\" is not in the stored goal");
  EXPECT_EQ(compare("files that are open", "files that are not open").why,
            "0 negations here, 1 in the stored goal");
}

TEST(Guards, ToolArgumentsMustBeEqual) {
  EXPECT_TRUE(check_tool_arguments({"a", "b"}, {"a", "b"}).passed());
  EXPECT_EQ(check_tool_arguments({"a", "b"}, {"b", "a"}).refused_by, goal_guard::tool_arguments);
  EXPECT_EQ(check_tool_arguments({"a", "b"}, {"a", "c"}).why, "tool argument 2 is another one");
  EXPECT_EQ(check_tool_arguments({"a"}, {}).why, "1 tool arguments here, 0 stored");
}

TEST(Guards, ManyNumbersMustComeInTheSameOrder) {
  std::string up;
  std::string down;
  for (int i = 2; i < 80; ++i) {
    up += "add " + std::to_string(i) + " ";
    down += "add " + std::to_string(81 - i) + " ";
  }
  EXPECT_TRUE(compare(up, up).passed());
  EXPECT_EQ(compare(up, down).refused_by, goal_guard::swapped);
}

TEST(Guards, TakeHostileTexts) {
  for (std::string_view piece : {"1 2 3 ", "Aa Bb ", "not ", "\" ", "a_b ", "\xf0\x9f\x98\x80 "}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    EXPECT_TRUE(compare(text, text).passed()) << piece;
    (void)compare(text, "Buy 3 apples");
  }
}

}  // namespace
}  // namespace tandem
