struct Mine;

impl pubsub::Transport for Mine {
    type Body = pubsub::Shared;
}

fn main() {}
