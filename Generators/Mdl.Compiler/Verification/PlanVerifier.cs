using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Verification;

/// <summary>A plan breaks a rule that generated code relies on: a fault of the compiler, not of the model.</summary>
public sealed class PlanException(string message) : Exception(message);

/// <summary>
/// Checks a plan without the code that made it: every value is in memory when it is read, and nothing has overwritten it; products without memory are read by
/// their epilogues only; a buffer is alive whenever it is used, over a whole loop if it is not the loop's own; what a loop carries and saves has its places.
/// Whether buffers that are alive together overlap is decided where they are placed, by the runtime.
/// </summary>
internal sealed class PlanVerifier
{
    // Sizes are compared for one value of all symbols: they are sums and products of them.
    private const long AnySize = 7;

    private readonly Dictionary<string, int> _iterations = new(StringComparer.Ordinal);
    private readonly List<(HashSet<ArenaBuffer> Own, HashSet<ArenaBuffer> Outer)> _loops = [];
    private int _now;

    private PlanVerifier()
    {
    }

    /// <exception cref="PlanException">A rule is broken; the message names the value or the buffer.</exception>
    public static void Verify(ProgramPlan plan)
    {
        var verifier = new PlanVerifier();
        verifier.Scope(plan.Top);
        foreach (var value in plan.Top.Graph.Outputs.Select(plan.Top.Fuser.DenseBase))
        {
            var storage = plan.Top.Stored[value];
            if (storage.Buffer is not null && !plan.Top.Steps.Any(s => s is CopyStep copy && copy.Source == storage))
            {
                verifier.Use(storage, plan.Top, value);
            }
        }
    }

    private void Scope(ScopePlan plan)
    {
        var written = new HashSet<Value>(Enumerable.Range(0, plan.Graph.Nodes.Count)
            .Where(i => plan.Graph.Nodes[i].Operation is Input or Parameter or Table).Select(i => new Value(i)));
        var operands = new Dictionary<Value, HashSet<int>>();
        foreach (var step in plan.Steps)
        {
            _now++;
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    InPlaceOnly(plan, new([kernel]), []);
                    Kernel(plan, kernel, null, written, operands);
                    break;
                case TemplateStep { Node: var node }:
                    Template(plan, node, written);
                    break;
                case ProductStep product:
                    InPlaceOnly(plan, product.All.ToEquatableArray(), product.Nodes);
                    Prologue(plan, product, written, operands);
                    foreach (var node in product.Nodes)
                    {
                        Template(plan, node, written, product);
                    }

                    foreach (var kernel in product.Behind)
                    {
                        Kernel(plan, kernel, product, written, operands);
                    }

                    break;
                case CopyStep copy:
                    var source = plan.Stored.Where(s => s.Value == copy.Source && written.Contains(s.Key)).Select(s => s.Key).FirstOrDefault();
                    Require(source is not null, $"{copy.Source.Pointer} is copied before it is written");
                    Use(copy.Source, plan, source!);
                    Use(copy.Target, plan, source!);
                    break;
                case LoopStep { Node: var node, Loop: var loop }:
                    Loop(plan, node, loop, written);
                    break;
            }
        }

        foreach (var output in plan.Graph.Outputs.Select(plan.Fuser.DenseBase))
        {
            Require(written.Contains(output), $"{Name(plan, output)} is yielded but never written");
        }

        foreach (var pair in plan.Stored)
        {
            Fits(plan, pair.Key, pair.Value);
        }
    }

    private void Kernel(ScopePlan plan, RowKernel kernel, ProductStep? product, HashSet<Value> written, Dictionary<Value, HashSet<int>> operands)
    {
        var own = new HashSet<Value>();
        foreach (var root in kernel.Roots)
        {
            foreach (var read in plan.Fuser.Reads(root))
            {
                // What the same kernel has stored can be read in the same row only: the other rows may be another thread's.
                Require(!own.Contains(read.Value) || read.Aligned, $"{kernel.Name} reads {Name(plan, read.Value)}, which it stores, at another row");
                Read(plan, read.Value, product, kernel.Name, written);
            }

            var stored = root.Concat ?? root.Value;
            own.Add(stored);
            if (root.Kind == RootKind.ColumnReduce)
            {
                Require(plan.Partials.TryGetValue(root.Value, out var partial), $"{Name(plan, root.Value)} has no memory for partial sums");
                Use(partial!, plan, root.Value);
            }

            if (root.Concat is not null)
            {
                if (!operands.TryGetValue(stored, out var there))
                {
                    operands[stored] = there = [];
                }

                there.Add(root.Operand);
                if (there.Count < plan.Graph.Nodes[stored.Node].Inputs.Count)
                {
                    Use(StorageOf(plan, stored), plan, stored);
                    continue;
                }
            }

            Write(plan, stored, written);
        }
    }

    /// <summary>
    /// What kernels store over what their launch reads must be at the element in hand, in a single loop, and read by no product: other rows of a product may still be to come.
    /// </summary>
    private static void InPlaceOnly(ScopePlan plan, EquatableArray<RowKernel> kernels, EquatableArray<int> products)
    {
        var roots = kernels.SelectMany(k => k.Roots).ToList();
        var ofProducts = new HashSet<Value>(products.SelectMany(p => plan.Reads(new TemplateStep(p)).Concat([new(p)])));
        var isSingleLoop = roots.TrueForAll(r => plan.Fuser.Computed(r).TrueForAll(v => plan.Graph.Nodes[v.Node].Operation is not Reduce));
        foreach (var root in roots)
        {
            var stored = root.Concat ?? root.Value;
            if (!plan.Stored.TryGetValue(stored, out var storage) || storage.Buffer?.Place is not { } memory)
            {
                continue;
            }

            bool IsOverwritten(Value read) => plan.Stored.TryGetValue(read, out var source) && source.Buffer != storage.Buffer && source.Buffer?.Place == memory;
            var lost = ofProducts.FirstOrDefault(IsOverwritten)
                ?? roots.SelectMany(r => isSingleLoop && kernels.Count == 1 ? plan.Fuser.ReadElsewhere(r) : plan.Fuser.Reads(r).Select(d => d.Value)).FirstOrDefault(IsOverwritten);
            Require(lost is null, $"{kernels[0].Name} overwrites {(lost is null ? "" : Name(plan, lost))} with {Name(plan, stored)} before it has been read");
        }
    }

    /// <summary>A prologue runs between blocks of the products and their epilogues: none of these may write what it works on, nor read its other rows.</summary>
    private void Prologue(ScopePlan plan, ProductStep product, HashSet<Value> written, Dictionary<Value, HashSet<int>> operands)
    {
        if (product.Prologue is not { } prologue)
        {
            return;
        }

        var makes = new HashSet<Value>(prologue.Roots.Select(r => r.Value));
        var reads = plan.Reads(new KernelStep(prologue));
        Require(
            prologue.Roots.All(r => r is { Concat: null, Kind: RootKind.Store or RootKind.Select }),
            $"{prologue.Name} is a prologue, which stores rows of its own only");
        foreach (var node in product.Nodes)
        {
            var left = plan.Fuser.TemplateInput(plan.Graph.Nodes[node], 0);
            Require(
                makes.Contains(left.Base) && left.IsDense && left.Offset.Equals(Dim.Zero) && plan.Reads(new TemplateStep(node)).Count(makes.Contains) == 1,
                $"{prologue.Name} does not make the left operand of {Name(plan, new(node))}, or more of what it reads");
            Require(
                reads.Concat(makes).All(v => StorageOf(plan, v) != StorageOf(plan, new(node))),
                $"{prologue.Name} reads or stores what is overwritten by {Name(plan, new(node))}, block by block");
        }

        Require(
            product.Behind.All(k => k.Roots.All(r => plan.Fuser.Reads(r).All(
                d => !makes.Contains(d.Value) || (d.Aligned && k.Rows.Equals(prologue.Rows) && StorageOf(plan, d.Value).Pointer != ProductStep.Left)))),
            $"an epilogue reads other rows of what {prologue.Name} stores, or what only the product sees");
        Kernel(plan, prologue, product, written, operands);
    }

    private void Template(ScopePlan plan, int number, HashSet<Value> written, ProductStep? product = null)
    {
        foreach (var read in plan.Reads(new TemplateStep(number)))
        {
            Read(plan, read, product, plan.Graph.Nodes[number].Operation.GetType().Name, written);
        }

        for (var output = 0; output < plan.Graph.Nodes[number].Types.Count; output++)
        {
            Write(plan, new(number, output), written);
        }
    }

    private void Loop(ScopePlan plan, int number, LoopPlan loop, HashSet<Value> written)
    {
        var begin = _now;
        var (node, body) = (plan.Graph.Nodes[number], loop.Body);
        Template(plan, number, written);
        Places(plan, number, loop);
        _iterations[loop.Variable] = loop.Repeat.Count;

        // The body's own buffers live within an iteration; all others that it uses, what it reads again in the next iteration too, over the whole loop.
        var own = new HashSet<ArenaBuffer>(body.Stored.Values.Concat(body.Partials.Values).Concat(loop.Carried.SelectMany(c => c.Between))
            .Select(s => s.Buffer!).Where(b => b is not null));
        own.ExceptWith(plan.Stored.Values.Select(s => s.Buffer!).Where(b => b is not null));
        foreach (var (ownOfOuter, _) in _loops)
        {
            own.ExceptWith(ownOfOuter);
        }

        var ownInIteration = new HashSet<ArenaBuffer>(own);
        ownInIteration.ExceptWith(loop.Carried.SelectMany(c => c.Between).Select(b => b.Buffer!));
        _loops.Add((ownInIteration, []));
        Scope(body);
        _now++;
        var outer = _loops[_loops.Count - 1].Outer;
        _loops.RemoveAt(_loops.Count - 1);
        outer.UnionWith(loop.Carried.SelectMany(c => c.Between).Select(b => b.Buffer!));
        foreach (var buffer in outer)
        {
            Require(buffer.First <= begin && _now <= buffer.Last, $"{buffer.Name} is used by a loop and not alive during all of it");
        }

        for (var output = 0; output < node.Types.Count; output++)
        {
            Use(StorageOf(plan, new(number, output)), plan, new(number, output));
        }
    }

    /// <summary>The places of what a loop carries and saves.</summary>
    private static void Places(ScopePlan plan, int number, LoopPlan loop)
    {
        var (node, repeat, body) = (plan.Graph.Nodes[number], loop.Repeat, loop.Body);
        bool IsWritten(Value value, Storage place) =>
            body.Stored[body.Fuser.DenseBase(value)] == place || body.Steps.Any(s => s is CopyStep copy && copy.Target == place);

        Require(loop.Carried.Count == repeat.Carried, $"{Name(plan, new(number))} carries {repeat.Carried} values, but {loop.Carried.Count} have places");
        for (var k = 0; k < loop.Carried.Count; k++)
        {
            var carried = loop.Carried[k];
            var name = Name(plan, new(number, k));
            Require(IsWritten(body.Graph.Outputs[k], Storage.At(carried.Out)), $"{name} is carried, but no iteration writes {carried.Out}");
            Require(carried.Final == StorageOf(plan, new(number, k)), $"{name} is not where the last iteration leaves it");
            Require(
                carried.Stack is not null || (carried.Between.Count == Math.Min(2, repeat.Count - 1) && carried.Between.Distinct().Count() == carried.Between.Count),
                $"{name} is carried without places between iterations");
            Require(
                !carried.IsPlaced || (carried.Stack is { } stack && carried.Initial == stack.Plus(carried.Type.Size * (repeat.Reverse ? repeat.Count - 1 : 0))),
                $"{name} does not begin in the first slot of its stack");
        }

        for (var i = repeat.Carried; i < body.Graph.Outputs.Count; i++)
        {
            var (yielded, stack) = (body.Graph.Outputs[i], StorageOf(plan, new(number, i)));
            var size = body.Graph.Type(yielded).Size;
            Require(
                (yielded.Node < repeat.Carried && loop.Carried[yielded.Node].Stack == stack) || IsWritten(yielded, stack.Slot(loop.Variable, size)),
                $"{Name(plan, new(number, i))} is saved by no iteration in its slot");
            Require(node.Types[i].Size.Equals(size * repeat.Count), $"{Name(plan, new(number, i))} has not one slot for each of {repeat.Count} iterations");
        }
    }

    private void Read(ScopePlan plan, Value value, ProductStep? product, string reader, HashSet<Value> written)
    {
        var storage = StorageOf(plan, value);
        if (ProductStep.IsRows(storage))
        {
            var place = product is null ? -1 : product.Nodes.ToList().IndexOf(value.Node);
            Require(
                place >= 0 ? storage.Pointer == ProductStep.Rows[place]
                    : storage.Pointer == ProductStep.Left && product?.Prologue is { } prologue && prologue.Roots.Exists(r => r.Value == value),
                $"{reader} reads {Name(plan, value)}, which is in scratch memory that only the epilogue of its product sees");
        }

        Require(written.Contains(value), $"{reader} reads {Name(plan, value)} before it is written, or after it is overwritten");
        Use(storage, plan, value);
    }

    private void Write(ScopePlan plan, Value value, HashSet<Value> written)
    {
        var storage = StorageOf(plan, value);
        written.RemoveWhere(other => other != value && plan.Stored.TryGetValue(other, out var place)
            && (place == storage || (place.Buffer is not null && place.Buffer != storage.Buffer && place.Buffer.Place == storage.Buffer?.Place)));
        written.Add(value);
        Use(storage, plan, value);
    }

    private void Use(Storage storage, ScopePlan plan, Value value)
    {
        if (storage.Buffer is not { } buffer)
        {
            return;
        }

        Require(
            buffer.First <= _now && _now <= buffer.Last && buffer.Place.First <= _now && _now <= buffer.Place.Last,
            $"{buffer.Name} is used for {Name(plan, value)} while it is not alive");
        for (var i = _loops.Count - 1; i >= 0 && !_loops[i].Own.Contains(buffer); i--)
        {
            _loops[i].Outer.Add(buffer);
        }
    }

    private void Fits(ScopePlan plan, Value value, Storage storage)
    {
        if (storage.Buffer is { } buffer)
        {
            var end = storage.Offset + plan.Graph.Type(value).Size;
            foreach (var (variable, stride) in storage.Slots)
            {
                end += stride * (_iterations[variable] - 1);
            }

            Require(end.EvaluateAll(AnySize) <= buffer.Size.EvaluateAll(AnySize), $"{Name(plan, value)} ends behind the end of {buffer.Name}");
        }
    }

    private static Storage StorageOf(ScopePlan plan, Value value) =>
        plan.Stored.TryGetValue(value, out var storage) ? storage : throw new PlanException($"{Name(plan, value)} is not stored");

    private static string Name(ScopePlan plan, Value value)
    {
        var node = plan.Graph.Nodes[value.Node];
        return $"{value} = {node.Operation.GetType().Name} [{node.Name} {node.Origin.Path}:{node.Origin.Line}]";
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new PlanException(message);
        }
    }
}
