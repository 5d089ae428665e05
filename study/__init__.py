"""Studies of learning to defer: which runs there are, who trains them, what has been finished."""
