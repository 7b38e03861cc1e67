using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>Where a stored value lies: a pointer of the generated program, an offset in elements, and slots of enclosing repetitions.</summary>
/// <param name="Pointer">A C# expression of type <c>float*</c> or <c>int*</c>.</param>
/// <param name="Offset">Elements to add.</param>
/// <param name="Slots">Loop variable and elements between slots, for values in a stack.</param>
/// <param name="Buffer">The arena buffer behind the pointer, for lifetimes; null for weights, inputs and loop pointers.</param>
internal sealed record Storage(string Pointer, Dim Offset, EquatableArray<(string Variable, Dim Stride)> Slots, ArenaBuffer? Buffer)
{
    /// <summary>Whether the memory may be in a short format of weights, so that only what knows formats may read it.</summary>
    public bool IsWeight { get; init; }

    public static Storage At(string pointer) => new(pointer, Dim.Zero, [], null);

    public Storage Plus(Dim offset) => this with { Offset = Offset + offset };

    public Storage Slot(string variable, Dim stride) => this with { Slots = Slots.Add((variable, stride)) };
}

/// <summary>A buffer of the arena, alive from step First to step Last of the program's flat timeline.</summary>
internal sealed class ArenaBuffer(string name, ElementType element, Dim size)
{
    private ArenaBuffer? _place;

    /// <summary>The field of the generated program that points to it.</summary>
    public string Name { get; } = name;

    public ElementType Element { get; } = element;

    /// <summary>Elements.</summary>
    public Dim Size { get; } = size;

    public int First { get; private set; } = int.MaxValue;

    public int Last { get; private set; } = -1;

    /// <summary>The buffer in whose memory this one lies; itself if it has memory of its own.</summary>
    public ArenaBuffer Place => _place is null ? this : _place.Place;

    /// <summary>Lies from now on in the memory of another buffer of the same size, whose values have been read for the last time.</summary>
    public void Take(ArenaBuffer dying)
    {
        _place = dying.Place;
        _place.Touch(Last);
    }

    public void Touch(int step)
    {
        First = Math.Min(First, step);
        Last = Math.Max(Last, step);
    }
}

/// <summary>Something that the program does at one place of its timeline.</summary>
internal abstract record Step;

/// <summary>Runs a fused row kernel.</summary>
internal sealed record KernelStep(RowKernel Kernel) : Step;

/// <summary>Runs the kernel of an operation that is no composition of elementwise parts.</summary>
internal sealed record TemplateStep(int Node) : Step;

/// <summary>
/// Runs one or two products of the same left operand and, on each block of rows right after them, the row kernels that read these rows. A kernel
/// may have several rows for each row of the products. A prologue makes the rows of the left operand, block by block, right before they are multiplied.
/// A tail goes on with the sums over all rows when the last block is there.
/// </summary>
internal sealed record ProductStep(EquatableArray<int> Nodes, EquatableArray<RowKernel> Kernels, RowKernel? Prologue = null, RowKernel? Tail = null) : Step
{
    /// <summary>The pointer of a left operand that has no memory: only the products see its rows.</summary>
    public const string Left = "left";

    /// <summary>The pointers of products that have no memory: only the epilogue sees their rows.</summary>
    public static IReadOnlyList<string> Rows { get; } = ["first", "second"];

    /// <summary>The row kernels in the order in which they run.</summary>
    public IEnumerable<RowKernel> All => Prologue is null ? Behind : Behind.Prepend(Prologue);

    /// <summary>The row kernels that run after products.</summary>
    public EquatableArray<RowKernel> Behind => Tail is null ? Kernels : Kernels.Add(Tail);

    /// <summary>Whether a value lies in no memory but where only a part of one step sees its rows.</summary>
    public static bool IsRows(Storage storage) => storage.Pointer is Left || storage.Pointer == Rows[0] || storage.Pointer == Rows[1];
}

/// <summary>Runs a body once an iteration.</summary>
internal sealed record LoopStep(int Node, LoopPlan Loop) : Step;

/// <summary>Copies a dense value to another place.</summary>
internal sealed record CopyStep(Storage Source, Storage Target, Dim Size, ElementType Element) : Step;

internal enum RootKind
{
    /// <summary>Computed element by element, or one number a row.</summary>
    Store,

    /// <summary>A sum over all rows, kept column by column.</summary>
    ColumnReduce,

    /// <summary>A reduction over some of the leading axes.</summary>
    SerialReduce,

    /// <summary>A selection along the row, see <see cref="IndexFlow.IsSelection"/>: it reads rows from memory and stores one.</summary>
    Select,
}

/// <summary>One value that a row kernel stores; with a Concat, as operand number Operand of that concatenation's memory.</summary>
internal sealed record Root(Value Value, RootKind Kind, Value? Concat = null, int Operand = 0);

/// <summary>A fused kernel: one loop over rows that computes all its roots.</summary>
internal sealed class RowKernel(string name, Dim rows) : IEquatable<RowKernel>
{
    public bool Equals(RowKernel? other) => ReferenceEquals(this, other);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    /// <summary>Most chunks that a launch with column sums is cut into: one partial sum each, added in order afterwards.</summary>
    public const int MostChunks = 64;

    public string Name { get; set; } = name;

    public Dim Rows { get; } = rows;

    public List<Root> Roots { get; } = [];
}

/// <summary>The plan of one graph: steps in order and where every stored value lies.</summary>
internal sealed class ScopePlan(Graph graph, Fuser fuser)
{
    public Graph Graph { get; } = graph;

    public Fuser Fuser { get; } = fuser;

    public List<Step> Steps { get; } = [];

    /// <summary>How many of the steps belong to the forward part.</summary>
    public int ForwardSteps { get; set; }

    public Dictionary<Value, Storage> Stored { get; } = [];

    /// <summary>Memory for the partial sums of column reductions.</summary>
    public Dictionary<Value, Storage> Partials { get; } = [];

    public Storage StorageOf(StridedView view) => Stored[view.Base].Plus(view.Offset);

    /// <summary>The stored values that a step reads.</summary>
    public HashSet<Value> Reads(Step step)
    {
        var reads = new HashSet<Value>();
        AddReads(step, reads);
        return reads;
    }

    /// <summary>Adds the stored values that a step reads.</summary>
    public void AddReads(Step step, HashSet<Value> reads)
    {
        switch (step)
        {
            case KernelStep { Kernel: var kernel }:
                Kernel(kernel);
                break;
            case TemplateStep { Node: var node }:
                Template(node);
                break;
            case LoopStep { Node: var node }:
                Template(node);
                break;
            case ProductStep product:
                foreach (var node in product.Nodes)
                {
                    Template(node);
                }

                foreach (var kernel in product.All)
                {
                    Kernel(kernel);
                }

                break;
        }

        void Kernel(RowKernel kernel)
        {
            foreach (var root in kernel.Roots)
            {
                foreach (var read in Fuser.Reads(root))
                {
                    reads.Add(read.Value);
                }
            }
        }

        void Template(int number)
        {
            var node = Graph.Nodes[number];
            for (var i = 0; i < node.Inputs.Count; i++)
            {
                if (Fuser.GatheredInput(node, i) is { } gathered)
                {
                    reads.Add(Fuser.TemplateInput(gathered, 0).Base);
                    reads.Add(Fuser.TemplateInput(gathered, 1).Base);
                }
                else
                {
                    reads.Add(Fuser.TemplateInput(node, i).Base);
                }
            }
        }
    }
}

/// <summary>A carried value of a loop: where the first iteration reads it, where each writes the next, and where the last one leaves it.</summary>
/// <param name="In">The pointer variable that the body reads.</param>
/// <param name="Out">The pointer variable that the body writes.</param>
/// <param name="Initial">Read by the first iteration (copied to the stack's slot first, if there is a stack).</param>
/// <param name="Final">Written by the last iteration.</param>
/// <param name="Between">Buffers that the iterations between use in turn; empty with a stack.</param>
/// <param name="Stack">The stack that saves what each iteration read: its slots serve as the carried value's memory.</param>
/// <param name="IsPlaced">Whether the initial value is in the stack's first slot already.</param>
internal sealed record CarriedPlan(
    string In, string Out, Storage Initial, Storage Final, EquatableArray<Storage> Between, Storage? Stack, bool IsPlaced, TensorType Type);

/// <summary>A repetition: its body's plan, the loop variable, and the carried values.</summary>
internal sealed record LoopPlan(Repeat Repeat, string Variable, ScopePlan Body, EquatableArray<CarriedPlan> Carried);

/// <summary>The plan of a program, and what its tables hold from the beginning.</summary>
internal sealed record ProgramPlan(ScopePlan Top, IReadOnlyList<ArenaBuffer> Buffers, IReadOnlyList<(ArenaBuffer Buffer, EquatableArray<double> Values)> Tables);
