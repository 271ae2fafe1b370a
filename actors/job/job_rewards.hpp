#pragma once

#include <string_view>
#include <vector>

#include "actors/job/job_state.hpp"
#include "schema/types.hpp"

namespace tandem {

/// What a job tells the router about the decisions that were made for it. The verdict on its answer
/// goes to all that had a part in it; verdicts of their own (verification by the pool) weigh more
/// there. What is not known is not said.

inline constexpr std::size_t ways_max = 3;
/// `plan_act`, `large`, `small`; what routing calls them.
[[nodiscard]] std::string_view name_of_way(schema::PlanMode mode);
/// UNKNOWN for anything else.
[[nodiscard]] schema::PlanMode way_named(std::string_view name);

/// The job has ended, with this code. Where it has no check, only what its plans were worth is
/// known. One of them, of purpose `way`, says what all of it has used; for jobs that a router
/// chose the way of, or that are of a tenant.
void add_rewards_at_end(const job_state& state, bool has_check, errc code,
                        std::vector<tmsg::reward>& out);
/// The present way of a job is given up because of `code`.
void add_reward_of_way(const job_state& state, errc code, std::vector<tmsg::reward>& out);
/// A user's score of the whole, in [0, 1].
void add_rewards_of_user(const job_state& state, double score, std::vector<tmsg::reward>& out);
/// The decision behind the present plan; 0: there is none.
[[nodiscard]] std::uint64_t plan_decision(const job_state& state);
[[nodiscard]] tmsg::reward make_reward(schema::RewardSource source, schema::Purpose purpose,
                                       std::uint64_t decision, double quality,
                                       std::string_view tenant);

}  // namespace tandem
