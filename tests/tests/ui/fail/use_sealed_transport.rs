struct Mine;

impl pubsub::Transport for Mine {}

fn main() {}
