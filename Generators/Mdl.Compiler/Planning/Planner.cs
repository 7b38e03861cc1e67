using System.Globalization;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>A value of a program's graph that has to end up at a given place.</summary>
internal sealed record Target(Value Value, Storage Storage);

/// <summary>
/// Plans a program: kernels in order, loops, and a place for every stored value. For devices whose row kernels do nothing but compute rows inline
/// (<c>rowsAlone</c>), products that only their epilogues read have a place too, and selections along a row are kernels of their own.
/// </summary>
internal sealed class Planner(
    Func<string, Storage> inputs, Func<string, Storage> parameters, CancellationToken cancellation, bool rowsAlone = false)
{
    private readonly List<ArenaBuffer> _buffers = [];

    // Fields that every program has.
    private readonly HashSet<string> _names = new(StringComparer.Ordinal)
    {
        "team", "weights", "arena", "caller", "gradients", "metrics", "tokens", "targetWeights", "cache", "rows", "chunk",
    };

    private readonly List<ArenaBuffer> _kept = [];
    private readonly Dictionary<EquatableArray<double>, Storage> _tables = [];
    private int _loops;

    /// <summary>Plans a graph. Targets are written where they say; values without target that the caller reads later are returned by their storage.</summary>
    public ProgramPlan Plan(Graph graph, int forwardNodes, IReadOnlyList<Target> targets, IReadOnlyList<Value> kept)
    {
        var top = Scope(graph, forwardNodes, node => ((Operation)node.Operation) switch
        {
            Input input => inputs(input.Name),
            Parameter parameter => parameters(parameter.Path),
            _ => throw new InvalidOperationException($"{node.Operation} has no memory"),
        }, targets);
        foreach (var value in kept)
        {
            if (top.Stored[top.Fuser.DenseBase(value)].Buffer is { } buffer)
            {
                _kept.Add(buffer);
            }
        }

        new Timeline(_kept).Run(top);
        InPlace.Run(top);
        return new(top, _buffers, [.. _tables.Select(t => (t.Value.Buffer!, t.Key))]);
    }

    private ScopePlan Scope(Graph graph, int forwardNodes, Func<Node, Storage> leaves, IReadOnlyList<Target> targets)
    {
        var (fuser, steps, forwardSteps) = new Grouper(graph, forwardNodes, cancellation, selectsInRows: !rowsAlone).Run();
        var plan = new ScopePlan(graph, fuser);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (graph.Nodes[i].Operation is Input or Parameter)
            {
                plan.Stored[new(i)] = leaves(graph.Nodes[i]);
            }
            else if (graph.Nodes[i].Operation is Table table)
            {
                plan.Stored[new(i)] = Place(table, ValueNames.Of(graph, new(i)));
            }
        }

        var copies = new List<(Value Source, Target Target)>();
        foreach (var target in targets)
        {
            var source = fuser.DenseBase(target.Value);
            if (plan.Stored.ContainsKey(source))
            {
                copies.Add((source, target));
            }
            else
            {
                plan.Stored[source] = target.Storage;
            }
        }

        // A product that adds itself to another one has its memory.
        for (var i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            if (Accumulation.Addend(graph.Nodes[i]) is { } addend && plan.Stored.TryGetValue(new(i), out var memory))
            {
                plan.Stored[graph.Nodes[i].Inputs[addend]] = memory;
            }
        }

        var placed = PlaceInitials(plan, steps);
        void Copies(bool forward)
        {
            foreach (var (source, target) in copies.Where(c => c.Source.Node < forwardNodes == forward))
            {
                var type = graph.Type(source);
                plan.Steps.Add(new CopyStep(plan.Stored[source], target.Storage, type.Size, type.Element));
            }
        }

        for (var i = 0; i <= steps.Count; i++)
        {
            if (i == forwardSteps)
            {
                Copies(forward: true);
                plan.ForwardSteps = plan.Steps.Count;
            }

            if (i == steps.Count)
            {
                break;
            }

            var step = steps[i];
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    foreach (var root in kernel.Roots)
                    {
                        Allocate(plan, root.Concat ?? root.Value);
                        if (root.Kind == RootKind.ColumnReduce)
                        {
                            var width = fuser.SpaceOf(root) is var space && space.Count > 0 ? space[space.Count - 1] : Dim.One;
                            plan.Partials[root.Value] = New(ValueNames.Of(graph, root.Value) + "_partial", ElementType.F32, width * RowKernel.MostChunks);
                        }
                    }

                    kernel.Name = Unique(Naming.Pascal(ValueNames.Of(graph, kernel.Roots[0].Concat ?? kernel.Roots[0].Value), "K") + "Kernel");
                    RowEpilogues.Add(plan, kernel);
                    break;
                case LoopStep { Node: var node }:
                    plan.Steps.Add(new LoopStep(node, Loop(plan, node, placed)));
                    break;
                case TemplateStep { Node: var node }:
                    if (Accumulation.Addend(graph.Nodes[node]) is { } input)
                    {
                        plan.Stored[new(node)] = plan.Stored[graph.Nodes[node].Inputs[input]];
                    }

                    for (var output = 0; output < graph.Nodes[node].Types.Count; output++)
                    {
                        Allocate(plan, new(node, output));
                    }

                    plan.Steps.Add(step);
                    break;
            }
        }

        Copies(forward: false);
        RowPrologues.Add(plan);
        if (!rowsAlone)
        {
            RowEpilogues.Discard(plan);
            RowPrologues.Discard(plan);
        }

        return plan;
    }

    private LoopPlan Loop(ScopePlan outer, int node, HashSet<(int Node, int Carried)> placed)
    {
        var self = outer.Graph.Nodes[node];
        var repeat = (Repeat)self.Operation;
        var variable = "i" + (++_loops).ToString(CultureInfo.InvariantCulture);
        for (var output = 0; output < self.Types.Count; output++)
        {
            Allocate(outer, new(node, output));
        }

        Storage Source(int input) => outer.StorageOf(outer.Fuser.TemplateInput(self, input));
        var body = repeat.Body;
        var bodyTargets = new List<Target>();
        var stacks = new Dictionary<int, Storage>();
        for (var i = repeat.Carried; i < body.Outputs.Count; i++)
        {
            var stack = outer.Stored[new(node, i)];
            var yielded = body.Outputs[i];
            if (yielded.Node < repeat.Carried && !stacks.ContainsKey(yielded.Node))
            {
                // What an iteration reads is saved: then the stack's slots can be the carried value's memory, and nothing is copied.
                stacks[yielded.Node] = stack;
            }
            else
            {
                bodyTargets.Add(new(yielded, stack.Slot(variable, body.Type(yielded).Size)));
            }
        }

        var carried = new List<CarriedPlan>();
        for (var k = 0; k < repeat.Carried; k++)
        {
            var type = self.Types[k];
            var carriedName = ValueNames.Of(body, body.Outputs[k]);
            var name = Camel(carriedName) + "_" + variable + "_" + k.ToString(CultureInfo.InvariantCulture);
            var stacked = stacks.TryGetValue(k, out var slots);
            var between = Enumerable.Range(0, stacked ? 0 : Math.Min(2, repeat.Count - 1)).Select(_ => New(carriedName + "_carried", type.Element, type.Size)).ToEquatableArray();
            carried.Add(new(name + "_in", name + "_out", Source(k), outer.Stored[new(node, k)], between, stacked ? slots : null, placed.Contains((node, k)), type));
            bodyTargets.Insert(k, new(body.Outputs[k], Storage.At(name + "_out")));
        }

        var plan = Scope(body, body.Nodes.Count, leaf =>
        {
            var number = int.Parse(((Input)leaf.Operation).Name.TrimStart('#'), CultureInfo.InvariantCulture);
            return number < repeat.Carried ? Storage.At(carried[number].In)
                : number < repeat.Carried + repeat.Invariants ? Source(number)
                : Source(number).Slot(variable, leaf.Types[0].Size);
        }, bodyTargets);
        return new(repeat, variable, plan, carried.ToEquatableArray());
    }

    /// <summary>
    /// Gives the initial values of loops that save what each iteration reads their place in the first slot of the stack, where no other place is
    /// asked for: then the loop begins without a copy.
    /// </summary>
    private HashSet<(int Node, int Carried)> PlaceInitials(ScopePlan plan, IEnumerable<Step> steps)
    {
        var placed = new HashSet<(int, int)>();
        foreach (var number in steps.OfType<LoopStep>().Select(s => s.Node))
        {
            var node = plan.Graph.Nodes[number];
            var repeat = (Repeat)node.Operation;
            for (var k = 0; k < repeat.Carried; k++)
            {
                var output = repeat.Carried;
                while (output < repeat.Body.Outputs.Count && repeat.Body.Outputs[output] != new Value(k))
                {
                    output++;
                }

                var view = plan.Fuser.TemplateInput(node, k);
                if (output < repeat.Body.Outputs.Count && !plan.Stored.ContainsKey(view.Base) && view.Offset.Equals(Dim.Zero)
                    && plan.Graph.Type(view.Base).Size.Equals(node.Types[k].Size))
                {
                    Allocate(plan, new(number, output));
                    plan.Stored[view.Base] = plan.Stored[new(number, output)].Plus(node.Types[k].Size * (repeat.Reverse ? repeat.Count - 1 : 0));
                    placed.Add((number, k));
                }
            }
        }

        return placed;
    }

    private void Allocate(ScopePlan plan, Value value)
    {
        if (!plan.Stored.ContainsKey(value))
        {
            var type = plan.Graph.Type(value);
            plan.Stored[value] = New(ValueNames.Of(plan.Graph, value), type.Element, type.Size);
        }
    }

    /// <summary>Memory for numbers known at build time: once, however often they occur, and kept, because they are written when the program is made.</summary>
    private Storage Place(Table table, string name)
    {
        if (!_tables.TryGetValue(table.Values, out var storage))
        {
            _tables[table.Values] = storage = New(name, ElementType.F32, table.Values.Count);
            _kept.Add(storage.Buffer!);
        }

        return storage;
    }

    private Storage New(string name, ElementType element, Dim size)
    {
        var buffer = new ArenaBuffer("_" + Unique(Camel(name)), element, size);
        _buffers.Add(buffer);
        return new(buffer.Name, Dim.Zero, [], buffer);
    }

    private string Unique(string name)
    {
        var unique = name;
        var separator = char.IsDigit(name[name.Length - 1]) ? "_" : "";
        for (var i = 2; !_names.Add(unique); i++)
        {
            unique = name + separator + i.ToString(CultureInfo.InvariantCulture);
        }

        return unique;
    }

    private static string Camel(string name)
    {
        var pascal = Naming.Pascal(name, "K");
        return char.ToLowerInvariant(pascal[0]) + pascal.Substring(1);
    }
}
