using System.Buffers;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// Finds the node of a graph that computes an operation on given inputs. Passes rebuild graphs node by node, again and again, so the memory is borrowed
/// and given back when a graph is done; whatever is asked after that makes the table anew from the nodes.
/// </summary>
internal sealed class NodeTable(int capacity)
{
    private const int LeastSlots = 16;

    // A hash in the upper half and a node's number + 1 in the lower one; 0 is free. At least half are, so that a search ends soon.
    private long[] _slots = [];
    private int _mask;
    private int _count;

    /// <summary>
    /// Whether an operation is looked up at all. Two repetitions are never equal: their parameters differ. To compare their bodies would cost more than all
    /// other nodes together.
    /// </summary>
    public static bool Holds(Operation operation) => operation is not Repeat;

    public static int Hash(Operation operation, EquatableArray<Value> inputs) => unchecked((operation.Hash * 31) + inputs.GetHashCode());

    /// <summary>The number of the node, or -1.</summary>
    /// <param name="nodes">All nodes so far.</param>
    /// <param name="hash">See <see cref="Hash"/>.</param>
    /// <param name="operation">What the node computes.</param>
    /// <param name="inputs">Of what.</param>
    public int Find(List<Node> nodes, int hash, Operation operation, EquatableArray<Value> inputs)
    {
        Prepare(nodes);
        for (var slot = hash & _mask; _slots[slot] != 0; slot = (slot + 1) & _mask)
        {
            var number = (int)_slots[slot] - 1;
            if ((int)(_slots[slot] >> 32) == hash && nodes[number].Inputs == inputs && nodes[number].Operation.Equals(operation))
            {
                return number;
            }
        }

        return -1;
    }

    /// <summary>Adds a node that is not found. One that was replaced by another operation is no more found as what it was.</summary>
    public void Add(List<Node> nodes, int hash, int number)
    {
        Prepare(nodes);
        if (2 * (_count + 1) > _mask)
        {
            Resize(2 * (_mask + 1));
        }

        Insert(((long)hash << 32) | (uint)(number + 1));
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        if (_slots.Length > 0)
        {
            ArrayPool<long>.Shared.Return(_slots);
            _slots = [];
        }
    }

    private void Prepare(List<Node> nodes)
    {
        if (_slots.Length > 0)
        {
            return;
        }

        var slots = LeastSlots;
        while (slots < 2 * Math.Max(capacity, nodes.Count) + 2)
        {
            slots *= 2;
        }

        _count = 0;
        _mask = -1;
        Resize(slots);
        for (var i = 0; i < nodes.Count; i++)
        {
            if (Holds(nodes[i].Operation))
            {
                Insert(((long)Hash(nodes[i].Operation, nodes[i].Inputs) << 32) | (uint)(i + 1));
            }
        }
    }

    private void Resize(int slots)
    {
        var (old, used) = (_slots, _mask + 1);
        _slots = ArrayPool<long>.Shared.Rent(slots);
        Array.Clear(_slots, 0, slots);
        _mask = slots - 1;
        _count = 0;
        for (var i = 0; i < used; i++)
        {
            if (old[i] != 0)
            {
                Insert(old[i]);
            }
        }

        if (old.Length > 0)
        {
            ArrayPool<long>.Shared.Return(old);
        }
    }

    private void Insert(long entry)
    {
        var slot = (int)(entry >> 32) & _mask;
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & _mask;
        }

        _slots[slot] = entry;
        _count++;
    }
}
