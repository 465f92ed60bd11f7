#pragma once

#include "sim/outcome.hpp"

#include <string>
#include <vector>

/// What people and machines read of a run.
namespace fusegate::sim {

/// One policy in slices of time, with its verdict.
std::string time_table(const Outcome& outcome, const Scenario& scenario, const Model& model);
/// One line a policy (or scenario): `outcomes[i]` of `scenarios[i]`.
std::string summary_head(bool by_scenario);
std::string summary_line(std::string_view name, const Verdict& verdict);
/// A picture of the load, the attempts and the good answers of each policy over time.
std::string picture(const std::vector<Outcome>& outcomes, const Scenario& scenario);

}  // namespace fusegate::sim
