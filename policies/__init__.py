"""The shipped policies as a package, `wlproxy.policies_data` where installed, so that they are found beside the code."""
