from emulators.plan import Plan


def strikes(plan: Plan[str], calls: int, name: str = "get") -> list[bool]:
    return [plan.take(name) is not None for _ in range(calls)]


def test_a_plan_strikes_the_calls_it_names() -> None:
    plan = Plan[str]()
    plan.add("get", "x", after=1, times=2)
    assert strikes(plan, 5) == [False, True, True, False, False]
    plan.add("g*", "y")
    assert strikes(plan, 3) == [True] * 3
    assert strikes(plan, 3, "put") == [False] * 3
    assert plan.pending() == ["g*"]
    plan.clear()
    assert strikes(plan, 3) == [False] * 3


def test_the_same_seed_throws_the_same_calls() -> None:
    def thrown(seed: int) -> list[bool]:
        plan = Plan[str]()
        plan.add("get", "x", probability=0.5, seed=seed)
        return strikes(plan, 100)

    assert thrown(1) == thrown(1) != thrown(2)
    assert 30 < sum(thrown(1)) < 70


def test_the_first_rule_that_strikes_wins() -> None:
    plan = Plan[str]()
    plan.add("get", "first", times=1)
    plan.add("get", "second")
    assert [plan.take("get"), plan.take("get")] == ["first", "second"]
