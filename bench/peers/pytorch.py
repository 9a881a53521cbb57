"""The driver for PyTorch: the protocol of ../harness/protocol.ts, the work of ../harness/work.ts.

python3 pytorch.py THREADS eager|compiled|processes
"""

import json
import multiprocessing
import os
import sys
import time

start = time.perf_counter()
import torch
import torch.nn.functional as F
from torch import nn

load_seconds = time.perf_counter() - start

threads, mode = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1 if mode == "processes" else threads)
compiled = mode == "compiled"

X, Y, WEIGHT, BIAS = 1, 2, 10, 30  # the seeds of ../drivers/inputs.ts


def unit(size, seed):
    """The hash of ../drivers/inputs.ts, in 64-bit integers kept to 32 bits."""
    word = 0xFFFFFFFF
    h = (torch.arange(1, size + 1) * 0x9E3779B1 & word) ^ (seed * 0x85EBCA6B & word)
    h = ((h ^ (h >> 16)) * 0x45D9F3B) & word
    h = ((h ^ (h >> 16)) * 0x45D9F3B) & word
    return ((h ^ (h >> 16)) >> 8).double() / 2**24


def uniform(shape, seed, low=-1.0, high=1.0):
    size = torch.Size(shape).numel()
    return (low + (high - low) * unit(size, seed)).float().reshape(shape)


def labels(size, seed, classes):
    return (classes * unit(size, seed)).floor().long()


def probe(values, scale=1):
    flat = values.detach().reshape(-1)
    return [flat[i * len(flat) // 16].item() * scale for i in range(16)]


def compile_if_asked(function):
    """A program for these very shapes: what was compiled before is forgotten, or it would be for any shape."""
    if not compiled:
        return function
    torch._dynamo.reset()
    return torch.compile(function, dynamic=False)


class Making:
    """Work that makes a new tensor."""

    def __init__(self, function, *operands):
        function = compile_if_asked(function)
        self.run = lambda: function(*operands)

    def first(self):
        return probe(self.run())


def matmul(m, k, n, transposeA, transposeB, **_):
    def matrix(rows, columns, transposed, seed):
        values = uniform([rows * columns], seed)
        return values.reshape(columns, rows).t() if transposed else values.reshape(rows, columns)

    return Making(torch.matmul, matrix(m, k, transposeA, X), matrix(k, n, transposeB, Y))


MAPS = {
    "add": lambda x, y: x + y,
    "relu": lambda x, y: torch.relu(x),
    "sigmoid": lambda x, y: torch.sigmoid(x),
    "tanh": lambda x, y: torch.tanh(x),
    "exp": lambda x, y: torch.exp(x),
    "gelu": lambda x, y: F.gelu(x),
}

IN_PLACE = {
    "add": lambda x, y: x.add_(y),
    "relu": lambda x, y: x.relu_(),
    "sigmoid": lambda x, y: x.sigmoid_(),
    "tanh": lambda x, y: x.tanh_(),
}


def elementwise(table):
    return lambda op, size, **_: Making(table[op], uniform([size], X), uniform([size], Y))


def recorded(op, size, **_):
    return Making(MAPS[op], uniform([size], X).requires_grad_(), uniform([size], Y).requires_grad_())


def rows(op, rows, columns, **_):
    operations = {
        "sum": lambda x: x.sum(),
        "meanOverRows": lambda x: x.mean(0),
        "meanOverColumns": lambda x: x.mean(1),
        "softmax": lambda x: x.softmax(1),
        "layerNorm": lambda x: F.layer_norm(x, [columns]),
    }
    return Making(operations[op], uniform([rows, columns], X))


class Passes:
    """Forward and backward through a layer; what is looked at is one gradient."""

    def __init__(self, layer, leaves, of, x, upstream):
        self.layer, self.leaves, self.of, self.x, self.upstream = layer, leaves, of, x, upstream

    def run(self):
        for leaf in self.leaves:
            leaf.grad = None
        self.layer(self.x).backward(self.upstream)

    def first(self):
        self.run()
        return probe(self.of.grad)


class Scaled(Making):
    def __init__(self, scale, function, *operands):
        super().__init__(function, *operands)
        self.scale = scale

    def first(self):
        return probe(self.run(), self.scale)


class Orthogonal:
    def __init__(self, size):
        self.x = uniform([size, size], X)

    def run(self):
        torch.manual_seed(0)
        nn.init.orthogonal_(self.x)

    def first(self):
        self.run()
        return probe(self.x @ self.x.t())


def embedding(size):
    layer = nn.Embedding(30000, 256)
    layer.weight.data = uniform([30000, 256], WEIGHT)
    return Passes(layer, [layer.weight], layer.weight, labels(size, X, 30000), uniform([size, 256], Y))


def batch_norm(size):
    layer, shape = nn.BatchNorm2d(size), [32, size, 28, 28]
    x = uniform(shape, X).requires_grad_()
    return Passes(layer, [x, layer.weight, layer.bias], x, x, uniform(shape, Y))


def inverse(size):
    x = uniform([size, size], X)
    x.diagonal().add_(size**0.5)
    return Making(torch.linalg.inv, x)


def scatter_add(size):
    operands = uniform([4096], X), labels(size, WEIGHT, 4096), uniform([size], Y)
    return Making(lambda x, places, source: x.scatter_add(0, places, source), *operands)


VOCABULARY = {
    "topk": lambda size: Making(lambda x: x.topk(size // 1000).values, uniform([size], X)),
    "sort": lambda size: Making(lambda x: x.sort().values, uniform([size], X)),
    "cumsum": lambda size: Scaled(size**-0.5, lambda x: x.cumsum(0), uniform([size], X)),
    "indexRows": lambda size: Making(lambda x, rows: x[rows], uniform([65536, 64], X), labels(size, Y, 65536)),
    "scatterAdd": scatter_add,
    "embedding": embedding,
    "batchNorm2d": batch_norm,
    "inverse": inverse,
    "orthogonal": Orthogonal,
}

LINKS = {
    "add": lambda x, by: x + by,
    "relu": lambda x, by: torch.relu(x),
    "tanh": lambda x, by: torch.tanh(x),
    "gelu": lambda x, by: F.gelu(x),
    "softmax": lambda x, by: x.softmax(1),
    "layerNorm": lambda x, by: F.layer_norm(x, x.shape[1:]),
    "meanOverColumns": lambda x, by: x.mean(1, keepdim=True),
}


def chain(op, rows, columns, **_):
    link = LINKS[op]

    def chained(x, by):
        second = link(link(x, by) * 2 + x, by)
        return link(second * 2 + x, by)

    return Making(chained, uniform([rows, columns], X), uniform([rows, columns], Y))


LOSSES = {
    "l1": F.l1_loss,
    "mse": F.mse_loss,
    "smoothL1": F.smooth_l1_loss,
    "bceWithLogits": F.binary_cross_entropy_with_logits,
    "crossEntropy": F.cross_entropy,
}


class Loss:
    def __init__(self, loss, rows, columns, **_):
        classes = loss == "crossEntropy"
        self.terms = rows if classes else rows * columns
        self.x = uniform([rows, columns], X, -2, 2).requires_grad_()
        low = 0 if loss == "bceWithLogits" else -1
        self.y = labels(rows, Y, columns) if classes else uniform([rows, columns], Y, low, 1)
        self.loss = compile_if_asked(LOSSES[loss])

    def run(self):
        self.x.grad = None
        value = self.loss(self.x, self.y)
        value.backward()
        return value

    def first(self):
        return [self.run().item(), *probe(self.x.grad, self.terms)]


def network(kind, layers):
    stages = []
    for i, (inputs, outputs) in enumerate(zip(layers, layers[1:])):
        bound = inputs**-0.5
        linear = nn.Linear(inputs, outputs)
        linear.weight.data = uniform([outputs, inputs], WEIGHT + i, -bound, bound)
        linear.bias.data = torch.tensor(5.5) if kind == "program" else uniform([outputs], BIAS + i, -bound, bound)
        stages += [linear, nn.Sigmoid()] if kind == "program" else [linear, nn.ReLU()]
    return nn.Sequential(*stages if kind == "program" else stages[:-1])


def stepping(kind, layers):
    model = network(kind, layers)
    criterion = nn.MSELoss() if kind == "program" else nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1 if kind == "program" else 0.01)
    forward = compile_if_asked(lambda x, y: criterion(model(x), y))
    update = torch.compile(sgd.step) if compiled else sgd.step

    def step(x, y):
        sgd.zero_grad()
        loss = forward(x, y)
        loss.backward()
        update()
        return loss

    return step


class Training:
    def __init__(self, network, layers, batch, **_):
        x = uniform([batch, layers[0]], X)
        y = uniform([batch, layers[-1]], Y, 0, 1) if network == "program" else labels(batch, Y, layers[-1])
        step = stepping(network, layers)
        self.run = lambda: step(x, y)

    def first(self):
        return [self.run().item() for _ in range(3)]


class Convolution:
    def __init__(self, samples, channels, size, outputs, kernel, stride, backward, **_):
        x = uniform([samples, channels, size, size], X).requires_grad_(backward)
        weight = uniform([outputs, channels, kernel, kernel], WEIGHT).requires_grad_(backward)
        bias = uniform([outputs], BIAS).requires_grad_(backward)
        self.places = samples * ((size - 1) // stride + 1) ** 2
        self.operands = [x, weight, bias]
        self.convolve = lambda: F.conv2d(x, weight, bias, stride, kernel // 2)
        self.backward = backward
        if backward:
            self.gradient = uniform(self.convolve().shape, Y)

    def run(self):
        out = self.convolve()
        return (out, *torch.autograd.grad(out, self.operands, self.gradient)) if self.backward else (out,)

    def first(self):
        scales = [1, 1, 1 / self.places, 1 / self.places]
        return [value for part, scale in zip(self.run(), scales) for value in probe(part, scale)]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x):
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


def digits():
    stages = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    return [*stages, nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]


def lenet():
    stages = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    return [*stages, nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]


def resnet20():
    blocks = [Block(i, o, s) for i, o, s in [(16, 16, 1)] * 3 + [(16, 32, 2), *[(32, 32, 1)] * 2, (32, 64, 2), *[(64, 64, 1)] * 2]]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return [*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]


CONVNETS = {
    "digits": (digits, [1, 28, 28], lambda parameters: torch.optim.Adadelta(parameters, lr=1)),
    "lenet": (lenet, [1, 28, 28], lambda parameters: torch.optim.SGD(parameters, lr=0.01)),
    "resnet20": (resnet20, [3, 32, 32], lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9)),
}


class Convnet:
    def __init__(self, network, batch, **work):
        make, shape, optimizer = CONVNETS[network]
        self.model = nn.Sequential(*make())
        for i, parameter in enumerate(self.model.parameters()):
            if parameter.ndim > 1:
                bound = (parameter.numel() / parameter.shape[0]) ** -0.5
                parameter.data = uniform(parameter.shape, WEIGHT + i, -bound, bound)
            elif parameter.eq(1).any().logical_not():
                parameter.data.zero_()
        self.x, self.y = uniform([batch, *shape], X), labels(batch, Y, 10)
        self.optimizer = optimizer(self.model.parameters())
        self.model.train(work["pass"] == "step")
        self.run = self.step if work["pass"] == "step" else self.answer

    def step(self):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss

    def answer(self):
        with torch.inference_mode():
            return self.model(self.x)

    def first(self):
        self.model.eval()
        answer = probe(self.answer())
        self.model.train(self.run == self.step)
        return answer


class Momentum:
    def __init__(self, size, **_):
        self.weight = nn.Parameter(uniform([size], X))
        self.weight.grad = uniform([size], Y)
        self.run = torch.optim.SGD([self.weight], lr=1e-3, momentum=0.9).step

    def first(self):
        self.run()
        self.run()
        return probe(self.weight)


RULES = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}


class Update:
    def __init__(self, rule, size, **_):
        self.weight = nn.Parameter(uniform([size], X))
        self.weight.grad = uniform([size], Y)
        self.run = self.copy if rule == "copy" else RULES[rule]([self.weight]).step

    def copy(self):
        with torch.no_grad():
            self.weight.copy_(self.weight.grad)

    def first(self):
        self.run()
        self.run()
        return probe(self.weight)


class Recipe:
    def __init__(self, loss, layers, batch, habits, **_):
        self.x = uniform([batch, layers[0]], X)
        self.model, self.habits = network("classifier", layers), habits
        smooth = loss == "smoothL1"
        self.y = uniform([batch, layers[-1]], Y) if smooth else labels(batch, Y, layers[-1])
        self.criterion = nn.SmoothL1Loss() if smooth else nn.CrossEntropyLoss()
        parameters = list(self.model.parameters())
        smoothly = lambda: torch.optim.AdamW(parameters, lr=1e-4, amsgrad=True)
        self.optimizer = smoothly() if smooth else torch.optim.Adam(parameters)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 1_000_000)

    def run(self):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.x), self.y)
        loss.backward()
        if self.habits:
            nn.utils.clip_grad_norm_(self.model.parameters(), 1)
        self.optimizer.step()
        if self.habits:
            self.scheduler.step()
        return loss

    def first(self):
        return [self.run().item() for _ in range(3)]


class Epoch:
    """Batches by indexing with a permutation, which is faster than a DataLoader that collates examples."""

    def __init__(self, images, layers, batch, **_):
        self.x, self.y, self.batch = uniform([images, 784], X, 0, 1), labels(images, Y, 10), batch
        self.step = stepping("classifier", layers)

    def run(self):
        for indices in torch.randperm(len(self.x)).split(self.batch):
            self.step(self.x[indices], self.y[indices])

    def first(self):
        return [self.step(self.x[: self.batch], self.y[: self.batch]).item()]


class Many:
    """Models one after the other, or divided between processes."""

    BATCH = 32

    def __init__(self, models, layers, steps, **_):
        rows = self.BATCH * steps
        self.x, self.y = uniform([rows, layers[0]], X), uniform([rows, layers[-1]], Y)
        self.layers = layers
        self.all = [self.stepping() for _ in range(models)]
        if mode == "processes":
            self.processes = [self.process(self.all[i::threads]) for i in range(min(threads, models))]
            self.run = self.run_processes

    def stepping(self):
        model = network("classifier", self.layers)
        sgd = torch.optim.SGD(model.parameters(), lr=0.01)

        def step(x, y):
            sgd.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            sgd.step()
            return loss

        return step

    def train(self, steps):
        for step in steps:
            for x, y in zip(self.x.split(self.BATCH), self.y.split(self.BATCH)):
                step(x, y)

    def run(self):
        self.train(self.all)

    def process(self, steps):
        ours, theirs = multiprocessing.Pipe()

        def serve():
            while theirs.recv():
                self.train(steps)
                theirs.send(True)

        multiprocessing.get_context("fork").Process(target=serve, daemon=True).start()
        return ours

    def run_processes(self):
        for pipe in self.processes:
            pipe.send(True)
        for pipe in self.processes:
            pipe.recv()

    def first(self):
        batches = zip(self.x.split(self.BATCH), self.y.split(self.BATCH))
        return [self.all[0](x, y).item() for _, (x, y) in zip(range(3), batches)]


class Inference:
    """With a tensor for input; what comes out becomes numbers, as in the other drivers."""

    def __init__(self, layers, batch, **_):
        self.x = uniform([batch, layers[0]], X, 0, 1)
        self.model = compile_if_asked(network("classifier", layers).eval())

    def run(self):
        with torch.inference_mode():
            return self.model(self.x).reshape(-1).tolist()

    def first(self):
        return self.run()


def word_model(cell):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Embedding(1000, 200)
            self.rnn = cell(200, 200, 2)
            self.decoder = nn.Linear(200, 1000)

        def forward(self, x):
            return self.decoder(self.rnn(self.encoder(x))[0]).reshape(-1, 1000)

    return Model()


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class GptBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(128), nn.LayerNorm(128)
        self.attend, self.project = nn.Linear(128, 384), nn.Linear(128, 128)
        self.up, self.down = nn.Linear(128, 512), nn.Linear(512, 128)

    def forward(self, x):
        q, k, v = (
            part.unflatten(-1, (4, 32)).transpose(1, 2) for part in self.attend(self.ln1(x)).split(128, -1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(65, 128), nn.Embedding(64, 128)
        self.blocks = nn.Sequential(*(GptBlock() for _ in range(4)))
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 65, bias=False)

    def forward(self, x):
        y = self.tokens(x) + self.places(torch.arange(64))
        return self.head(self.norm(self.blocks(y))).reshape(-1, 65)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(10_000, 64) for _ in range(8))
        self.hidden, self.head = nn.Linear(512, 256), nn.Linear(256, 1)

    def forward(self, x):
        y = torch.cat([table(x[:, i]) for i, table in enumerate(self.tables)], 1)
        return self.head(F.relu(self.hidden(y)))


def tokens(batch, length, count, seed):
    return labels(batch * length, seed, count).reshape(batch, length)


def of_words(cell):
    return lambda batch: (
        word_model(cell),
        tokens(35, batch, 1000, X),
        tokens(35, batch, 1000, Y).reshape(-1),
        F.cross_entropy,
        lambda parameters: torch.optim.SGD(parameters, lr=1.0),
    )


# By name: the model, its input, the target, the loss, and the optimizer.
NETWORKS = {
    "wordLstm": of_words(nn.LSTM),
    "wordGru": of_words(nn.GRU),
    "lstm": lambda batch: (
        Sequence(), uniform([batch, 20, 8], X), uniform([batch, 1], Y), F.mse_loss, lambda p: torch.optim.Adam(p, lr=1e-3)
    ),
    "charGpt": lambda batch: (
        Gpt(), tokens(batch, 64, 65, X), tokens(batch, 64, 65, Y).reshape(-1), F.cross_entropy, lambda p: torch.optim.AdamW(p, lr=1e-3)
    ),
    "encoder": lambda batch: (
        Encoder(), uniform([batch, 32, 64], X), labels(batch, Y, 10), F.cross_entropy, lambda p: torch.optim.Adam(p, lr=1e-3)
    ),
    "embeddings": lambda batch: (
        Tables(), tokens(batch, 8, 10_000, X), uniform([batch, 1], Y), F.mse_loss, lambda p: torch.optim.Adagrad(p, lr=1e-2)
    ),
}


class Network:
    def __init__(self, network, batch, **_):
        model, x, y, loss_of, optimizer_of = NETWORKS[network](batch)
        for i, parameter in enumerate(model.parameters()):
            parameter.data = uniform(parameter.shape, WEIGHT + i, -0.1, 0.1)
        optimizer = optimizer_of(model.parameters())
        clips = network.startswith("word")

        def step():
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            if clips:
                nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimizer.step()
            return loss

        self.run = step

    def first(self):
        return [self.run().item() for _ in range(3)]


KINDS = {
    "matmul": matmul,
    "map": elementwise(MAPS),
    "recorded": recorded,
    "inPlace": elementwise(IN_PLACE),
    "rows": rows,
    "vocabulary": lambda op, size, **_: VOCABULARY[op](int(size)),
    "chain": chain,
    "loss": Loss,
    "convolution": Convolution,
    "training": Training,
    "convnet": Convnet,
    "momentum": Momentum,
    "update": Update,
    "recipe": Recipe,
    "epoch": Epoch,
    "many": Many,
    "network": Network,
    "inference": Inference,
}


def warm(task, seconds):
    begin, iterations, elapsed = time.perf_counter(), 0, 0
    while iterations == 0 or elapsed < seconds:
        task.run()
        iterations += 1
        elapsed = time.perf_counter() - begin
    return {"iterations": iterations, "seconds": elapsed}


def measure(task, iterations):
    run = task.run
    begin = time.perf_counter()
    for _ in range(iterations):
        run()
    return {"iterations": iterations, "seconds": time.perf_counter() - begin}


def quantile(task, iterations, share):
    """The same of a request as bench/drivers/serve.ts."""
    times = sorted(measure(task, 1)["seconds"] for _ in range(iterations))
    return {"iterations": 1, "seconds": times[min(iterations - 1, int(share * iterations))]}


def serve():
    answers = os.fdopen(3, "w", buffering=1)

    def answer(message):
        print(json.dumps(message), file=answers)

    answer({"name": "PyTorch", "version": torch.__version__, "loadSeconds": load_seconds})
    task = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "prepare":
            task = None
            task = KINDS[request["work"]["kind"]](**request["work"])
            answer({"probe": task.first()})
        elif request["do"] == "warm":
            answer(warm(task, request["seconds"]))
        elif request["do"] == "quantile":
            answer(quantile(task, request["iterations"], request["share"]))
        else:
            answer(measure(task, request["iterations"]))


serve()
