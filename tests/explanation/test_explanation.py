"""An explanation as shap's own, so that its plots work."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from appkit.explanation import exact_shapley, explain, explain_game, history_game
from appkit.explanation.shap_package import import_shap
from tests.explanation.fakes import FakeEnsemble, make_table


@pytest.fixture(scope="module", params=["exact", "permutation"])
def explanation(request):
    return explain(FakeEnsemble(), make_table(12), request.param, random_state=0)


def test_a_single_output_is_squeezed(explanation):
    theirs = explanation.to_shap()
    np.testing.assert_array_equal(theirs.values, explanation.values[..., 0])
    np.testing.assert_array_equal(theirs.base_values, explanation.base_value[:, 0])
    assert theirs.feature_names == ["a", "b", "c", "d"]


def test_several_outputs_are_kept_and_named():
    theirs = explain(FakeEnsemble(n_outputs=3), make_table(4)).to_shap()
    assert theirs.shape == (4, 4, 3)
    assert theirs[..., 1].values.shape == (4, 4)


def test_words_are_coloured_by_their_order_and_shown_as_they_are(explanation):
    theirs = explanation.to_shap()
    words = explanation.data[:, 1]
    assert theirs.data[:, 1].tolist() == [sorted(set(words)).index(word) for word in words]
    assert theirs.display_data[:, 1].tolist() == words.tolist()


def test_a_missing_word_has_no_colour():
    X = pd.DataFrame({"word": ["b", None, "a"], "number": [1.0, 2.0, 3.0]})
    explanation = explain(lambda rows: rows["number"], X, background=X)
    np.testing.assert_array_equal(explanation.to_shap().data[:, 0], [1, np.nan, 0])


@pytest.mark.parametrize("plot", ["bar", "beeswarm", "waterfall", "heatmap", "violin"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning")
def test_the_plots_of_shap_take_it(explanation, plot):
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    theirs = explanation.to_shap()
    getattr(import_shap().plots, plot)(theirs[0] if plot == "waterfall" else theirs, show=False)
    drawn = "".join(text.get_text() for axes in plt.gcf().axes for text in axes.get_yticklabels())
    plt.close("all")
    assert "a" in drawn


def test_a_frame_has_one_line_per_row_output_and_player():
    explanation = explain(FakeEnsemble(n_outputs=3), make_table(4), random_state=0)
    lines = explanation.to_frame()
    assert len(lines) == 4 * 3 * 4
    line = lines.query("row == 2 and output == 'grade 1' and player == 'c'").iloc[0]
    assert line["value"] == explanation.values[2, 2, 1]
    assert line["standard_error"] == explanation.standard_error[2, 2, 1]
    assert (line["shown"], line["model_output"]) == (explanation.data[2, 2], explanation.output[2, 1])


def test_players_a_row_lacks_have_no_line():
    game = history_game(lambda items: (items > 0).sum(1).astype(float), [[3], [4, 5]])
    lines = explain_game(game).to_frame()
    assert lines["row"].tolist() == [0, 1, 1]
    assert lines["value"].tolist() == [1.0, 1.0, 1.0]


def test_a_game_of_rows_with_their_own_players_names_the_door():
    game = history_game(lambda items: (items > 0).sum(1).astype(float), [[3], [4, 5]])
    with pytest.raises(AttributeError, match=r"has no .*Use explain_game"):
        exact_shapley(game)
